import { readFileSync } from 'node:fs'
import t from 'tap'
import { startApp } from '../../harness/app.ts'

t.test('Swagger UI has the title, icon and logo of the service', async t => {
  const { app } = await startApp(t)
  const page = await app.inject('/docs')
  t.match(page.body, '<title>latchkey API</title>')
  const [, icon = ''] = /<link rel="icon" type="image\/svg\+xml" href="([^"]+)"/.exec(page.body) ?? []
  const mark = readFileSync(new URL(import.meta.resolve('#root/web/mark.svg')), 'utf8')
  const response = await app.inject(icon)
  t.equal(response.headers['content-type'], 'image/svg+xml')
  t.equal(response.body, mark)
  const script = await app.inject('/docs/static/swagger-initializer.js')
  t.match(script.body, `data:image/svg+xml;base64,${Buffer.from(mark).toString('base64')}`)
})

t.test('the authorise dialog says what to paste', async t => {
  const { app } = await startApp(t)
  const { bearer } = (await app.inject('/openapi.json')).json().components.securitySchemes
  t.match(bearer.description, 'Paste the accessToken of a login, without Bearer.')
})
