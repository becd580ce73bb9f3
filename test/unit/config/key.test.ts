import { createECDH, createPublicKey, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { type ConfigError, loadConfig } from '../../../src/config/config.ts'
import { isKey, isPrivateKey } from '../../../src/config/key.ts'

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
const spki = { type: 'spki', format: 'pem' } as const
const pair = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve, privateKeyEncoding: pkcs8, publicKeyEncoding: spki })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = p256.privateKey.export(pkcs8) as string

/** The ES256 sample of jwt.io. */
const SAMPLE = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----`

t.test('a signing key is a private P-256 key in PEM, without a passphrase', async t => {
  const sec1 = p256.privateKey.export({ type: 'sec1', format: 'pem' }) as string
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
  for (const key of [pem, pem.trim(), sec1, parameters + sec1]) t.ok(isPrivateKey(key))
  const refused: Record<string, string> = {
    'a public key': p256.publicKey.export(spki) as string,
    'P-384': pair('P-384').privateKey,
    secp256k1: pair('secp256k1').privateKey,
    Ed25519: generateKeyPairSync('ed25519').privateKey.export(pkcs8) as string,
    RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pkcs8) as string,
    'one with a passphrase': p256.privateKey.export({
      ...pkcs8,
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    }) as string,
    'a JWK': JSON.stringify(p256.privateKey.export({ format: 'jwk' })),
    'a number': createECDH('prime256v1').generateKeys('hex'),
    'half of one': pem.slice(0, 80),
    nothing: '',
  }
  for (const [what, key] of Object.entries(refused)) t.notOk(isPrivateKey(key), what)
})

t.test('a verification key may be a public key', async t => {
  t.ok(isKey(pem))
  t.ok(isKey(p256.publicKey.export(spki) as string))
  t.notOk(isKey(pair('P-384').publicKey))
})

t.test('a key may stand on one line, and in a file', async t => {
  const folder = t.testdir({ key: pem })
  const lines = pem.trim()
  t.equal(
    loadConfig({ ACCESS_TOKEN_PRIVATE_KEY: lines.replaceAll('\n', '\\n') }).ACCESS_TOKEN_PRIVATE_KEY,
    lines,
  )
  t.equal(loadConfig({ ACCESS_TOKEN_PRIVATE_KEY_FILE: `${folder}/key` }).ACCESS_TOKEN_PRIVATE_KEY, lines)
})

t.test('production refuses a published sample key', async t => {
  const production = {
    NODE_ENV: 'production',
    APP_URL: 'https://accounts.example.org',
    JWT_SECRET: 'fZ3k9Qx7Lw2Vb8Ty4Rn6Mh1Jc5Pd0Gs_uA',
    DATABASE_URL: 'file:/srv/latchkey/latchkey.db',
    MAIL_BACKEND: 'smtp',
  }
  const refused = (env: Record<string, string>) => {
    try {
      loadConfig({ ...production, ...env })
      return []
    } catch (error) {
      return (error as ConfigError).problems.map(problem => problem.split(':', 1)[0])
    }
  }
  t.strictSame(refused({ ACCESS_TOKEN_PRIVATE_KEY: pem, ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: 'derived' }), [])
  t.strictSame(refused({ ACCESS_TOKEN_PRIVATE_KEY: SAMPLE }), ['ACCESS_TOKEN_PRIVATE_KEY'])
  const known = createPublicKey(SAMPLE).export(spki) as string
  t.strictSame(refused({ ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: known }), ['ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS'])
  t.strictSame(
    refused({ NODE_ENV: 'development', ACCESS_TOKEN_PRIVATE_KEY: SAMPLE }),
    [],
    'development accepts it',
  )
})
