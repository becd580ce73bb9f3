import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openConnection } from '../../../src/database/sqlite.ts'
import { deriveKey, loadSecrets } from '../../../src/tokens/keys.ts'

const secret = 'a signing secret of thirty-two bytes'

t.test('keys are derived as RFC 5869 says', async t => {
  // Extract with an empty salt, then one block of expand.
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(secret).digest()
  const expanded = createHmac('sha256', extracted).update('latchkey/1/reset/sign\x01').digest()
  t.equal(deriveKey(secret, 'reset', 'sign').toString('hex'), expanded.toString('hex'))
})

t.test('every secret, purpose and use has a separate key', async t => {
  const keys = [secret, `${secret}!`].flatMap(each =>
    ['access', 'refresh', 'confirm', 'reset'].flatMap(purpose =>
      (['sign', 'fingerprint', 'successor', 'envelope'] as const).map(use =>
        deriveKey(each, purpose, use).toString('hex'),
      ),
    ),
  )
  t.equal(new Set(keys).size, 32)
})

t.test('configured secrets are used, the current one first', async t => {
  const config = { JWT_SECRET: secret, DATABASE_URL: 'postgresql://nowhere.invalid/x' }
  t.strictSame(await loadSecrets(config), [secret])
  t.strictSame(await loadSecrets({ ...config, JWT_SECRET_PREVIOUS: 'previous' }), [secret, 'previous'])
})

t.test('without a secret one is generated once, readable by its owner only', async t => {
  const folder = join(t.testdir(), 'data')
  const config = { DATABASE_URL: `file:${folder}/latchkey.db` } as Parameters<typeof loadSecrets>[0]
  const atOnce = await Promise.all(Array.from({ length: 5 }, () => loadSecrets(config).catch(String)))
  const [kept] = await loadSecrets(config)
  t.match(kept, /^[\w-]{64}$/)
  for (const secrets of atOnce) t.strictSame(secrets, [kept], 'parallel starts use the same secret')
  const path = join(folder, 'jwt-secret')
  t.equal(readFileSync(path, 'utf8'), kept)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(folder).mode & 0o777, 0o700)

  writeFileSync(path, 'short')
  await t.rejects(loadSecrets(config), /too short for a signing secret/)
})

t.test('the generated secret is beside the database, however its URL is written', async t => {
  const urls: Record<string, (folder: string) => string> = {
    'a path': folder => `file:${folder}/data/latchkey.db`,
    'two slashes': folder => `file://${folder}/data/latchkey.db`,
    'a host': folder => `file://localhost${folder}/data/latchkey.db`,
    'percent-encoded': folder => `file:${folder}/%64ata/latchkey.db`,
    'a query with a slash': folder => `file:${folder}/data/latchkey.db?cache=a/b`,
  }
  for (const [name, urlIn] of Object.entries(urls)) {
    const folder = join(t.testdir(), name)
    const url = urlIn(folder)
    await loadSecrets({ DATABASE_URL: url } as Parameters<typeof loadSecrets>[0])
    ;(await openConnection(url)).close()
    t.strictSame(readdirSync(folder), ['data'], name)
    t.strictSame(readdirSync(join(folder, 'data')).sort(), ['jwt-secret', 'latchkey.db'], name)
  }
})
