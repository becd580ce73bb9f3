import t from 'tap'
import { loadConfig } from '../../../src/config/config.ts'
import { serializedOrigin, withLocalNames } from '../../../src/config/origins.ts'

t.test('an origin is compared in the form in which browsers send it', t => {
  const cases: Record<string, string> = {
    'https://app.example.org': 'https://app.example.org',
    'HTTPS://App.Example.ORG': 'https://app.example.org',
    'https://app.example.org:443': 'https://app.example.org',
    'http://localhost:80': 'http://localhost',
    'http://localhost:5173': 'http://localhost:5173',
    'https://bücher.example': 'https://xn--bcher-kva.example',
    'http://[::1]:5173': 'http://[::1]:5173',
    'capacitor://localhost': 'capacitor://localhost',
    'Ionic://LocalHost': 'ionic://localhost',
    'chrome-extension://abcdefghijklmnop': 'chrome-extension://abcdefghijklmnop',
    'app://host:8080': 'app://host:8080',
  }
  for (const [given, serialized] of Object.entries(cases)) {
    t.equal(serializedOrigin(given), serialized, given)
    t.strictSame(loadConfig({ CORS_ORIGINS: given }).CORS_ORIGINS, [serialized], given)
  }
  t.end()
})

t.test('a value that no browser sends as its origin is refused at the start', t => {
  const never = [
    'https://*.example.org',
    'https://app.*',
    'https://app.example.org:*',
    '*://app.example.org',
    'https://app.example.org/',
    'https://app.example.org/app',
    'https://app.example.org?x',
    'https://app.example.org#x',
    'https://ada@app.example.org',
    'https://app.example.org:99999',
    'https://a b.example',
    'https://',
    'capacitor://',
    'capacitor:localhost',
    'myapp://bücher',
    'app.example.org',
    '//app.example.org',
    'localhost:5173',
    'null',
    'file://',
    'file://host',
    'data://x',
    'javascript://x',
  ]
  for (const origin of never) {
    t.equal(serializedOrigin(origin), undefined, origin)
    t.throws(() => loadConfig({ CORS_ORIGINS: `https://a.example, ${origin}` }), /CORS_ORIGINS/, origin)
  }
  t.end()
})

t.test('local host names are the same origin for a local service only', async t => {
  const dev = ['http://localhost:5173', 'https://app.example.org', 'capacitor://localhost', '*']
  t.strictSame(withLocalNames('http://127.0.0.1:3000', dev), [
    'http://localhost:5173',
    'http://127.0.0.1:5173',
    'http://[::1]:5173',
    ...dev.slice(1),
  ])
  t.strictSame(withLocalNames('http://localhost', ['http://[::1]']), [
    'http://[::1]',
    'http://localhost',
    'http://127.0.0.1',
  ])
  for (const elsewhere of ['https://example.org', 'http://localhost.example.org']) {
    t.strictSame(withLocalNames(elsewhere, dev), dev)
  }
  for (const origin of ['http://localhost.evil.example', 'http://127.0.0.2:1', 'http://127.0.0.1.evil:1']) {
    t.strictSame(withLocalNames('http://localhost:3000', [origin]), [origin])
  }
})
