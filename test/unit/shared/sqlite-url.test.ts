import t from 'tap'
import { loadConfig } from '../../../src/config/config.ts'
import { sqlitePath } from '../../../src/shared/sqlite-url.ts'

t.test('the path of a file: URL', async t => {
  const paths = {
    'file:./data/latchkey.db': './data/latchkey.db',
    'file:/srv/latchkey.db': '/srv/latchkey.db',
    'file:///srv/latchkey.db': '/srv/latchkey.db',
    'file://localhost/srv/latchkey.db': '/srv/latchkey.db',
    'file:my%20data/100%25.db?mode=rwc#x': 'my data/100%.db',
  }
  for (const [url, path] of Object.entries(paths)) {
    t.equal(loadConfig({ DATABASE_URL: url }).DATABASE_URL, url)
    t.equal(sqlitePath(url), path)
  }
})

t.test('a file: URL without a usable path is a fault of the configuration', async t => {
  for (const url of ['file:./100%.db', 'file:%zz', 'file:?mode=rwc', 'file::memory:', 'file:%3Amemory%3A']) {
    const fault = { message: /DATABASE_URL: expected the path of a file, percent-encoded/ }
    t.throws(() => loadConfig({ DATABASE_URL: url }), { ...fault, name: 'ConfigError' }, url)
    t.throws(() => sqlitePath(url), fault)
  }
})
