import t from 'tap'
import { type Config, type ConfigError, describeEnvironment, loadConfig } from '../../../src/config/config.ts'

/** The variables of links: every URL but those of servers and of the service itself. */
const VARIABLES = describeEnvironment()
  .map(({ name }) => name as keyof Config)
  .filter(name => name.endsWith('_URL') && !/^(APP|DATABASE|REDIS)_URL$/.test(name))

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'file:/srv/latchkey/latchkey.db',
  MAIL_BACKEND: 'smtp',
  APP_URL: 'https://accounts.example.org',
  JWT_SECRET: 'fZ3k9Qx7Lw2Vb8Ty4Rn6Mh1Jc5Pd0Gs_uA',
}

/** The rejected variables, each with its expected value. */
function problemsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if ((error as Error).name !== 'ConfigError') throw error
    return (error as ConfigError).problems
  }
}

const everywhere = (url: string) => Object.fromEntries(VARIABLES.map(name => [name, url]))
const names = (problems: string[]) => problems.map(problem => problem.split(':', 1)[0])

t.test('a link may lead to a page or an app', async t => {
  for (const url of [
    'https://app.example.org',
    'https://app.example.org/',
    'https://app.example.org:8443/reset/',
    'https://app.example.org/reset?lang=hr&from=mail',
    'http://localhost:5173/reset',
    'http://app.example.org/reset',
    'myapp://reset',
    'myapp://reset/password?x=1',
    'myapp:/reset',
    'com.example.app:/reset',
    'x-my.app+2://reset',
    'MyApp://Reset',
  ]) {
    t.strictSame(problemsOf(everywhere(url)), [], url)
    for (const name of VARIABLES) t.equal(loadConfig({ [name]: url })[name], url, 'and is left as it is')
  }
})

t.test('a link may not be a script, a file or invalid, or have a fragment', async t => {
  for (const url of [
    'javascript:alert(1)',
    'JavaScript://example.org/%0aalert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>',
    'data:text/html;base64,eA==',
    'vbscript:x',
    'VBScript:x',
    'file:///etc/passwd',
    'FILE://host/share',
    'blob:https://example.org/1',
    'filesystem:https://example.org/x',
    'about:blank',
    'view-source:https://example.org',
    'https://app.example.org/#',
    'https://app.example.org/#/reset',
    'myapp://reset#x',
    '/reset',
    'reset',
    'app.example.org/reset',
    '//app.example.org/reset',
    'https://',
    'https:app.example.org/reset',
    'https:/app.example.org/reset',
    'HTTP:app.example.org',
    '://reset',
    'https://app.example.org/a b',
    'https://app.example.org/\u200breset',
    'https://app.example.org/"onclick',
    'https://app.example.org/<b>',
    'https://[::1',
    'https://app.example.org:99999',
  ]) {
    const problems = problemsOf(everywhere(url))
    t.strictSame(names(problems), VARIABLES, `${url}: all at once`)
    for (const problem of problems) t.match(problem, /absolute URL without fragment.*myapp:/)
  }
})

t.test('invalid links are reported together with other errors', async t => {
  const problems = problemsOf({ PORT: 'x', RESET_PASSWORD_URL: 'javascript:x', CHANGE_EMAIL_URL: 'y' })
  t.strictSame(names(problems).sort(), ['CHANGE_EMAIL_URL', 'PORT', 'RESET_PASSWORD_URL'])
})

t.test('in production links require https, except to the machine itself', async t => {
  for (const url of ['http://app.example.org', 'HTTP://app.example.org/x', 'http://localhost.example.org']) {
    const problems = problemsOf({ ...production, ...everywhere(url) })
    t.strictSame(names(problems), VARIABLES, url)
    for (const problem of problems) t.match(problem, /https URL in production/)
  }
  for (const url of [
    'https://app.example.org',
    'myapp://reset',
    'http://localhost:5173',
    'http://127.0.0.1/x',
    'http://[::1]/x',
  ]) {
    t.strictSame(problemsOf({ ...production, ...everywhere(url) }), [], url)
  }
})

t.test('the path of APP_URL has no semicolon, which would truncate the path of the cookie', async t => {
  t.strictSame(names(problemsOf({ APP_URL: 'https://example.org/a;b' })), ['APP_URL'])
  t.strictSame(problemsOf({ APP_URL: 'https://example.org/a%3Bb' }), [])
})
