/** The service without its optional, faster hash library. */
import t from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { serviceEnvironment, startProcess } from '../../harness/process.ts'

t.test('a process without the optional package serves too, and reports its library', async t => {
  // A module resolution hook in the same process: the package is not found.
  const hook = `export const resolve = (name, context, next) => {
    if (name === '@node-rs/argon2') throw Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(name, context)
  }`
  const asUrl = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`
  const register = `import { register } from 'node:module'; register(${JSON.stringify(asUrl(hook))})`
  const service = startProcess(t, {
    env: {
      ...serviceEnvironment({ DATABASE_URL: await freshDatabase(t), EMAIL_CONFIRMATION: 'off' }),
      NODE_OPTIONS: `--import ${asUrl(register)}`,
    },
  })
  const url = await service.listening()
  const post = (url: string) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.org', password: 'correct horse battery staple' }),
    })

  t.match(service.stdout(), /hashes by +argon2, \d+ at once\n/)
  t.equal((await post(`${url}/register`)).status, 201)
  t.equal((await post(`${url}/login`)).status, 200)
  t.equal(service.stderr(), '')
})
