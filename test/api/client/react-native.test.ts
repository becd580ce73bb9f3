/** The React Native example, run under Node: without a document, with a stub of the phone's key chain. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import t from 'tap'
import type { Client } from '../../../client/src/index.ts'
import { confirmedAccount, startApp } from '../../harness/app.ts'
import { wireTo } from './wire.ts'

const ROOT = fileURLToPath(new URL('.', import.meta.resolve('#root/package.json')))

t.test('the key chain of a phone keeps the session across a restart', async t => {
  const service = await startApp(t)
  const { email, password } = await confirmedAccount(service)
  const folder = t.testdir({
    'secure-store.mjs': `export const chain = new Map()
export const getItemAsync = async key => chain.get(key) ?? null
export const setItemAsync = async (key, value) => void chain.set(key, value)
export const deleteItemAsync = async key => void chain.delete(key)`,
  })
  const store = pathToFileURL(join(folder, 'secure-store.mjs')).href
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'client/examples/react-native.ts')],
    bundle: true,
    format: 'esm',
    alias: { '@latchkey/client': join(ROOT, 'client/src/index.ts') },
    external: ['expo-secure-store'],
    write: false,
  })
  const code = outputFiles[0]?.text.replace('"expo-secure-store"', JSON.stringify(store)) ?? ''
  const start = async (name: string): Promise<Client> => {
    writeFileSync(join(folder, `${name}.mjs`), code)
    return (await import(pathToFileURL(join(folder, `${name}.mjs`)).href)).latchkey
  }
  const { chain } = (await import(store)) as { chain: Map<string, string> }
  const wire = wireTo(service.app)
  const real = globalThis.fetch
  globalThis.fetch = request => wire.fetch(request as Request)
  t.teardown(() => {
    globalThis.fetch = real
  })

  const latchkey = await start('first')
  t.match(await latchkey.restore(), { status: 'logged_out' })
  t.strictSame(wire.sent, [], 'an empty key chain sends no request')
  t.match(await latchkey.login({ email, password }), { ok: true })
  t.strictSame([...chain.keys()], ['latchkey.refresh'])
  const restarted = await start('second')
  t.match(await restarted.restore(), { status: 'logged_in' })
  t.match(await restarted.me(), { ok: true, data: { email } })
  t.match(await restarted.logout(), { ok: true })
  t.equal(chain.size, 0)
})
