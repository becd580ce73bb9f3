/** Forged ES256 access tokens: algorithm confusion with the public key, other keys, and header parameters. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { type AccessKey, accessKeys } from '../../src/tokens/access-keys.ts'
import { deriveKey } from '../../src/tokens/keys.ts'
import { confirmedAccount, startApp, type TestApp, testClock, testEnvironment } from '../harness/app.ts'
import { selfSignedCertificate } from '../harness/certificates/self-signed.ts'
import { openRows } from '../harness/rows.ts'
import { claimsOf, encoded, forge, forgeSigned } from '../unit/tokens/forge.ts'

const secret = testEnvironment.JWT_SECRET
const ours: AccessKey = accessKeys({}, [secret])[0]
const retired: AccessKey = accessKeys({}, ['a signing secret of three years ago'])[0]
const certificate = selfSignedCertificate()
const strangers = {
  p256: { privateKey: createPrivateKey(certificate.key), publicKey: createPublicKey(certificate.cert) },
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  secp256k1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  ed25519: generateKeyPairSync('ed25519'),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}
const { kid } = ours.jwk
const HEADER = { alg: 'ES256', typ: 'at+jwt', kid }

const ask = ({ app }: TestApp, token: string) =>
  app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })

/** Every form in which an attacker may have the public key as bytes. */
function publicForms(): Record<string, Buffer | string> {
  const key = createPublicKey(ours.publicKey)
  const { alg: _alg, use: _use, kid: _kid, ...bare } = ours.jwk
  const raw = Buffer.concat([
    Buffer.from([4]),
    ...[bare.x, bare.y].map(part => Buffer.from(part, 'base64url')),
  ])
  return {
    PEM: ours.publicKey,
    'PEM, trimmed': ours.publicKey.trim(),
    'PEM with white space in front': ` \n\t${ours.publicKey}`,
    'PEM with white space behind': `${ours.publicKey}\n \n`,
    'PEM with CRLF': ours.publicKey.replaceAll('\n', '\r\n'),
    'PEM on one line': ours.publicKey.replaceAll('\n', ''),
    'PEM without its marks': ours.publicKey.replace(/-----[^-]+-----/g, '').trim(),
    DER: key.export({ type: 'spki', format: 'der' }),
    'DER in base64': key.export({ type: 'spki', format: 'der' }).toString('base64'),
    'the point': raw,
    'the compressed point': Buffer.concat([Buffer.from([2 + ((raw[64] ?? 0) & 1)]), raw.subarray(1, 33)]),
    'JWK as it is published': JSON.stringify(ours.jwk),
    'JWK, only the key': JSON.stringify(bare),
    'JWK with white space': JSON.stringify(ours.jwk, null, 2),
    'JWK in the order of RFC 7638': JSON.stringify({ crv: 'P-256', kty: 'EC', x: bare.x, y: bare.y }),
    'the key set': JSON.stringify({ keys: [ours.jwk] }),
    x: bare.x,
    'x as bytes': Buffer.from(bare.x, 'base64url'),
    kid,
    'kid as bytes': Buffer.from(kid, 'base64url'),
  }
}

/** Forgeries of a genuine token, by fault. `elsewhere` is a server that must receive no request. */
function forgeries(genuine: string, elsewhere: string): Record<string, string> {
  const claims = claimsOf(genuine)
  const now = claims['iat'] as number
  const [header = '', body = '', signature = ''] = genuine.split('.')
  const legacy = {
    iss: 'latchkey',
    aud: 'access',
    sub: claims['sub'],
    sid: claims['sid'],
    iat: now,
    exp: now + 900,
  }
  const signed = (changes: object, key: KeyObject | string = ours.privateKey) =>
    forgeSigned({ ...claims, ...changes }, key, HEADER)
  const headed = (changes: object, key: KeyObject | string = ours.privateKey) =>
    forgeSigned(claims, key, { ...HEADER, ...changes })
  const { p256, p384, secp256k1, ed25519, rsa } = strangers
  const jwkOf = (key: KeyObject, members: object = {}) => ({ ...key.export({ format: 'jwk' }), ...members })
  const x5c = [certificate.cert.replace(/-----[^-]+-----|\s/g, '')]

  const made: Record<string, string> = {}
  for (const [form, key] of Object.entries(publicForms())) {
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const digest = alg.replace('HS', 'sha')
      made[`${alg} with the public key: ${form}`] = forge(claims, key, { ...HEADER, alg }, digest)
      made[`${alg} with the public key, legacy: ${form}`] = forge(legacy, key, { alg, typ: 'JWT' }, digest)
    }
    made[`ES256 said, HMAC with the public key: ${form}`] = forge(claims, key, HEADER)
  }
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined]) {
    const unsigned = `${encoded({ ...HEADER, alg })}.${body}.`
    made[`alg ${alg}, no signature`] = unsigned
    made[`alg ${alg}, the old signature`] = unsigned + signature
    made[`alg ${alg}, signed`] = headed({ alg })
  }
  for (const typ of [
    'JWT',
    'jwt',
    'AT+JWT',
    'application/at+jwt',
    'id_token',
    'logout+jwt',
    'dpop+jwt',
    '',
    null,
  ])
    made[`typ ${typ}`] = headed({ typ })
  made['no typ'] = headed({ typ: undefined })
  const kids = [
    ...[
      'unknown',
      `${kid} `,
      kid.slice(0, -1),
      kid.toLowerCase(),
      retired.jwk.kid,
      '',
      '*',
      '__proto__',
      'constructor',
    ],
    ...[
      '/dev/null',
      '../../../../../../dev/null',
      '..\\..\\jwt-secret',
      'file:///dev/null',
      'data/jwt-secret',
    ],
    ...[
      "' OR '1'='1",
      "x' UNION SELECT 'AA' --",
      '1; DROP TABLE users',
      '$(id)',
      '| cat /etc/passwd',
      '\0',
      'é',
    ],
    ...[0, -1, true, null, [kid], { kid }, [0], elsewhere],
  ]
  for (const other of kids) {
    made[`kid ${JSON.stringify(other)}, our key`] = headed({ kid: other })
    // What the statement behind such a kid selects, or the file of that name holds, is the key.
    const selected = typeof other === 'string' ? (/UNION SELECT '(.*?)'/.exec(other)?.[1] ?? '') : ''
    made[`kid ${JSON.stringify(other)}, the HMAC key "${selected}"`] = forge(claims, selected, {
      ...HEADER,
      alg: 'HS256',
      kid: other,
    })
    made[`kid ${JSON.stringify(other)}, legacy`] = forge(legacy, selected, {
      alg: 'HS256',
      typ: 'JWT',
      kid: other,
    })
  }
  made['no kid'] = headed({ kid: undefined })
  const stranger = jwkOf(p256.publicKey, { kid, alg: 'ES256', use: 'sig' })
  const carried: Record<string, object> = {
    jwk: { jwk: stranger },
    'jwk, another kid': { jwk: { ...stranger, kid: 'theirs' }, kid: 'theirs' },
    jku: { jku: `${elsewhere}/jwks.json` },
    'jku, another kid': { jku: `${elsewhere}/jwks.json`, kid: 'theirs' },
    x5u: { x5u: `${elsewhere}/key.pem` },
    x5c: { x5c },
    'x5t#S256': { 'x5t#S256': kid },
    crit: { crit: ['exp'], exp: now + 900 },
    'crit, empty': { crit: [] },
    b64: { crit: ['b64'], b64: false },
    zip: { zip: 'DEF' },
    iss: { iss: elsewhere },
  }
  for (const [what, members] of Object.entries(carried)) {
    made[`${what}, a strange key`] = headed(members, p256.privateKey)
    made[`${what}, our key`] = headed(members)
  }
  Object.assign(made, {
    'a strange key': signed({}, p256.privateKey),
    'the key of a secret that is gone': signed({}, retired.privateKey),
    'the key of a secret that is gone, its kid': headed({ kid: retired.jwk.kid }, retired.privateKey),
    'P-384': forgeSigned(claims, p384.privateKey, { ...HEADER, alg: 'ES384' }, { digest: 'sha384' }),
    'P-384, ES256 said': forgeSigned(claims, p384.privateKey, HEADER, { digest: 'sha256' }),
    'ES384 with our key': forgeSigned(
      claims,
      ours.privateKey,
      { ...HEADER, alg: 'ES384' },
      { digest: 'sha384' },
    ),
    secp256k1: forgeSigned(claims, secp256k1.privateKey, { ...HEADER, alg: 'ES256K' }),
    'secp256k1, ES256 said': forgeSigned(claims, secp256k1.privateKey, HEADER),
    Ed25519: forgeSigned(claims, ed25519.privateKey, { ...HEADER, alg: 'EdDSA' }, { digest: null }),
    'Ed25519, ES256 said': forgeSigned(claims, ed25519.privateKey, HEADER, { digest: null }),
    RS256: forgeSigned(claims, rsa.privateKey, { ...HEADER, alg: 'RS256' }),
    'RS256, ES256 said': forgeSigned(claims, rsa.privateKey, HEADER),
    'a signature in DER': forgeSigned(claims, ours.privateKey, HEADER, { encoding: 'der' }),
    'a signature of SHA-512': forgeSigned(claims, ours.privateKey, HEADER, { digest: 'sha512' }),
    'a signature of zeros': `${header}.${body}.${Buffer.alloc(64).toString('base64url')}`,
    'an empty signature': `${header}.${body}.`,
    'half a signature': `${header}.${body}.${signature.slice(0, 43)}`,
    'a signature and more': `${genuine}AAAA`,
    'padding behind': `${genuine}==`,
    'claims of another token': `${header}.${encoded({ ...claims, sub: randomUUID() })}.${signature}`,
    'claims that are no object': forgeSigned('text', ours.privateKey, HEADER),
    'claims null': forgeSigned(null, ours.privateKey, HEADER),
    'claims in a list': forgeSigned([claims], ours.privateKey, HEADER),
    'claims of the release before': forgeSigned(legacy, ours.privateKey, HEADER),
    'claims of this release under the key of the release before': forge(
      claims,
      deriveKey(secret, 'access', 'sign'),
    ),
    'the header with blanks': `${Buffer.from(JSON.stringify(HEADER, null, 1)).toString('base64url')}.${body}.${signature}`,
    'an issuer with a slash': signed({ iss: `${claims['iss']}/` }),
    'another issuer': signed({ iss: 'https://evil.example' }),
    'the issuer of the release before': signed({ iss: 'latchkey' }),
    'another audience': signed({ aud: 'https://evil.example' }),
    'the audience of the release before': signed({ aud: 'access' }),
    'the audience of an emailed token': signed({ aud: 'reset' }),
    'the audience in a list': signed({ aud: [claims['aud']] }),
    'an unknown session': signed({ sid: randomUUID() }),
    'an unknown account': signed({ sub: randomUUID() }),
    'exp 1e300': signed({ exp: 1e300 }),
    'a life a second too long': signed({ exp: now + 901 }),
    'issued a second early': signed({ iat: now - 1 }),
    'exp a fraction': signed({ exp: now + 60.5 }),
    'exp negative': signed({ exp: -1 }),
    'exp in the past': signed({ exp: now - 1 }),
    'iat far ahead': signed({ iat: now + 86_400, exp: now + 86_460 }),
  })
  for (const [name, value] of Object.entries(claims)) {
    made[`without ${name}`] = signed({ [name]: undefined })
    made[`${name} null`] = signed({ [name]: null })
    made[`${name} in a list`] = signed({ [name]: [value] })
    made[`${name} in an object`] = signed({ [name]: { value } })
    made[`${name} empty`] = signed({ [name]: '' })
    made[`${name} with a NUL`] = signed({ [name]: `${value}\0` })
    made[`${name} of another type`] = signed({ [name]: typeof value === 'number' ? String(value) : 1 })
  }
  return made
}

t.test('every forged access token is refused, and no key is fetched', async t => {
  const asked: (string | undefined)[] = []
  const server = createServer(({ url }, response) => {
    asked.push(url)
    response.end(JSON.stringify({ keys: [] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const service = await startApp(t)
  const { accessToken: genuine } = await confirmedAccount(service)
  const rows = await openRows(t, service.databaseUrl)
  await rows.settled()
  const before = await rows.dump()
  const made = forgeries(genuine, elsewhere)
  const faults: string[] = []
  // Twice, because verified tokens are cached.
  for (const [fault, token] of [...Object.entries(made), ...Object.entries(made)]) {
    const response = await ask(service, token)
    const outcome = `${response.statusCode} ${response.json().code}`
    if (outcome !== '401 unauthenticated') faults.push(`${fault}: ${outcome}`)
    if (response.body.includes(token)) faults.push(`${fault}: repeated`)
  }
  t.ok(Object.keys(made).length > 300, `${Object.keys(made).length} forgeries`)
  t.strictSame(faults, [])
  // The loop above leaves no time for a request to arrive. One that a token caused arrives before this one.
  await (await fetch(`${elsewhere}/control`)).text()
  t.strictSame(asked, ['/control'], 'nothing was fetched')
  t.strictSame(await rows.dump(), before, 'nothing changed')
  t.equal((await ask(service, genuine)).statusCode, 200, 'the genuine one works')
  t.equal(
    (await ask(service, forgeSigned(claimsOf(genuine), ours.privateKey, HEADER))).statusCode,
    200,
    'a valid token signed by the test works too',
  )
})

t.test('no mailed token or code is signed by the published key', async t => {
  const time = testClock()
  const service = await startApp(t, { overrides: { clock: time.clock } })
  const { email } = await confirmedAccount(service)
  const { smtp, app } = service
  const sent = smtp.mails.length
  await app.inject({ method: 'POST', url: '/password-reset/request', payload: { email } })
  const mail = await smtp.waitForMail(email, /reset/i, sent)
  const genuine = /#token=(\S+)/.exec(mail.text)?.[1] ?? ''
  const check = (token: string) =>
    app.inject({ method: 'POST', url: '/password-reset/check', payload: { token } })
  t.equal((await check(genuine)).statusCode, 200)
  for (const header of [HEADER, { ...HEADER, typ: 'JWT' }, { alg: 'ES256', typ: 'JWT' }]) {
    const response = await check(forgeSigned(claimsOf(genuine), ours.privateKey, header))
    t.strictSame([response.statusCode, response.json().code], [400, 'token_invalid'])
  }
  for (const [form, key] of Object.entries(publicForms())) {
    const response = await check(forge(claimsOf(genuine), key))
    t.strictSame([response.statusCode, response.json().code], [400, 'token_invalid'], form)
  }
})
