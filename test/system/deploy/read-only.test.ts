import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { tokenIn } from '../../harness/app.ts'
import { freshDatabase, provider } from '../../harness/database.ts'
import { freePort } from '../../harness/free-port.ts'
import { emptyFolder, serviceEnvironment } from '../../harness/process.ts'
import { startSmtpServer } from '../../harness/smtp.ts'
import { until } from '../../harness/until.ts'

const SERVER = fileURLToPath(new URL('../../../bin/start.cjs', import.meta.url))
const skip = provider === 'sqlite' && 'on SQLite it writes its one file'

t.test('on PostgreSQL the service writes no file, so that its root may be read-only', { skip }, async t => {
  const smtp = await startSmtpServer(t)
  const [cwd, temporary] = [emptyFolder(t), emptyFolder(t)]
  const port = await freePort()
  // A process that may not write to any file; pipes and sockets are not files.
  const child = spawn(
    'sh',
    [
      '-c',
      'ulimit -f 0; exec env -u NODE_OPTIONS "$0" "$@"',
      process.execPath,
      '--enable-source-maps',
      SERVER,
    ],
    {
      cwd,
      env: {
        PATH: process.env['PATH'],
        TMPDIR: temporary,
        ...serviceEnvironment({
          DATABASE_URL: await freshDatabase(t),
          PORT: String(port),
          MAIL_BACKEND: 'smtp',
          MAIL_SERVER: smtp.host,
          MAIL_PORT: String(smtp.port),
        }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      output += chunk
    })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })

  const url = `http://127.0.0.1:${port}`
  const ready = () =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until('the service is ready', () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`)
    return ready()
  })
  const post = (path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const email = 'ada@example.org'
  const password = 'correct horse battery staple'
  t.equal((await post('/register', { email, password })).status, 202)
  const token = tokenIn((await smtp.waitForMails(1))[0])
  t.equal((await post('/confirm-email', { token, password })).status, 200)
  t.equal((await post('/login', { email, password })).status, 200)
  t.equal((await fetch(`${url}/docs/`)).status, 200)

  child.kill('SIGINT')
  const [code] = await ended
  t.equal(code, 0, 'it ends well')
  t.notMatch(output, /EFBIG|EROFS|EACCES|File too large/)
  t.strictSame(readdirSync(cwd), [], 'no file is left in its working directory')
  t.strictSame(readdirSync(temporary), [], 'nor among temporary files')
})
