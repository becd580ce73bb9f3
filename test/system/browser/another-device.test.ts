/** The code of a reset mail, for somebody who reads mail on another device. */
import t from 'tap'
import { startBrowser, startSite } from '../../harness/browser.ts'
import { codeIn, otherThan } from '../../harness/mailbox.ts'
import {
  arrives,
  complaintOf,
  joins,
  linkIn,
  logsIn,
  NEW_PASSWORD,
  PASSWORD,
  press,
  sees,
  send,
} from './steps.ts'

const person = await startBrowser(t)
const email = 'ada@example.org'

t.test('asked for on a phone, read on a computer, entered on the phone', async t => {
  const site = await startSite(t)
  const { page: computer } = await person(t, site)
  await joins(computer, site, email)

  const { page: phone } = await person(t, site, { viewport: { width: 320, height: 640 }, hasTouch: true })
  await phone.goto(`${site.url}/app/forgot-password`)
  await send(phone, 'request', { email })
  await sees(phone, 'sent')
  const mail = await site.mailTo(email, /reset/i)
  const code = codeIn(mail)
  const passwords = { newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD }
  await send(phone, 'code', { code: otherThan(code), ...passwords })
  t.not(await complaintOf(phone, 'code'), '', 'a wrong code is refused')
  await send(phone, 'code', { code: `${code.slice(0, 4)} ${code.slice(4)}`, ...passwords })
  await arrives(phone, site, '/app/login')

  await computer.reload()
  await arrives(computer, site, '/app/login')
  t.pass('the computer is logged out')
  await logsIn(phone, site, email, NEW_PASSWORD)
  await press(phone, 'log-out')
  await computer.goto(linkIn(mail))
  await sees(computer, 'stale')
  t.pass('and the link is dead')
})

t.test('a code by way of a link that has expired', async t => {
  const site = await startSite(t, { env: { RESET_TOKEN_TTL: '1800' } })
  const { page, context } = await person(t, site)
  await joins(page, site, email)
  await press(page, 'log-out')
  await arrives(page, site, '/app/login')
  await context.clearCookies()
  await page.goto(`${site.url}/app/reset-password#token=eyJhbGciOiJIUzI1NiJ9.e30.AAAA`)
  await sees(page, 'stale')
  await send(page, 'request', { email })
  await sees(page, 'sent')
  const code = codeIn(await site.mailTo(email, /reset/i))
  await send(page, 'code', { code, newPassword: NEW_PASSWORD, repeat: NEW_PASSWORD })
  await arrives(page, site, '/app/login')
  await logsIn(page, site, email, NEW_PASSWORD)
  t.not(NEW_PASSWORD, PASSWORD)
})
