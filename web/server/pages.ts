/**
 * The pages under /app: targets of the links in emails, and a front end that shows how to use the API.
 *
 * A page is rendered once for each language, at the first request. It does not depend on the client: the page's
 * script fetches personal data from the API.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { withLocalNames } from '../../src/config/origins.ts'
import { basePath } from '../../src/config/urls.ts'
import { problem } from '../../src/errors.ts'
import { logProblem, toProblem } from '../../src/http/error-handler.ts'
import { type FixedDocument, fixedDocument, sendDocument } from '../../src/http/fixed-document.ts'
import { messagesFor } from '../../src/messages/messages.ts'
import { acceptInvitation } from './accept-invitation.ts'
import { account } from './account.ts'
import { changeEmail } from './change-email.ts'
import { confirmEmail } from './confirm-email.ts'
import { damagedLinkTo } from './damaged-link.ts'
import { errorPage } from './error-page.ts'
import { readFiles, type StaticFiles } from './files.ts'
import { forgotPassword } from './forgot-password.ts'
import { home } from './home.ts'
import { keepLanguage, languageOf, VARIES_BY } from './languages.ts'
import { layout, type Page, type PageContext } from './layout.ts'
import { login } from './login.ts'
import { register } from './register.ts'
import { resetPassword } from './reset-password.ts'
import { secure } from './secure.ts'

/** By path, below /app. */
const PAGES: Record<string, (context: PageContext) => Page> = {
  '': home,
  '/register': register,
  '/login': login,
  '/confirm-email': confirmEmail,
  '/accept-invitation': acceptInvitation,
  '/forgot-password': forgotPassword,
  '/reset-password': resetPassword,
  '/change-email': changeEmail,
  '/account': account,
  '/secure': secure,
}

const PREFIX = '/app'
const HTML = 'text/html; charset=utf-8'
const YEAR_SECONDS = 31_536_000

/** No inline script or style, no other host, no frame; forms never submit by themselves. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join(';')

/** Read once per process. */
let builtFiles: StaticFiles | undefined

/** Registers nothing if the pages are off. */
export async function pages(app: FastifyInstance) {
  if (app.config.PAGES === 'off') return
  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    reply.header('vary', 'accept')
    if (!wantsHtml(request)) throw problem('not_found')
    return reply.redirect(`${basePath(app.config.APP_URL)}/app`)
  })
  await app.register(underApp, { prefix: PREFIX })
}

async function underApp(app: FastifyInstance) {
  builtFiles ??= readFiles()
  const files = builtFiles
  const { APP_URL } = app.config
  const { origin, host } = new URL(APP_URL)
  const base = basePath(APP_URL)
  const publicAddress = new URL(`${base}${PREFIX}`, origin)
  const pagePaths = Object.keys(PAGES)
  const otherNames = new Set(withLocalNames(APP_URL, [origin]).map(name => new URL(name).host))
  otherNames.delete(host)

  // Redirects to the intended page, which explains it. The token is dropped.
  app.addHook('onRequest', (request, reply, done) => {
    const isNavigation = /^(GET|HEAD)$/.test(request.method)
    const page = isNavigation ? damagedLinkTo(request.url.slice(PREFIX.length), pagePaths) : undefined
    if (page === undefined) done()
    else reply.redirect(`${base}${PREFIX}${page}#damaged`)
  })

  for (const [path, page] of Object.entries(PAGES)) {
    const root = path === '' ? '' : '../'
    const rendered = new Map<string, FixedDocument>()
    const address = `${base}${PREFIX}${path}`
    app.get(`${path}/`, { schema: { hide: true }, prefixTrailingSlash: 'slash' }, async (_request, reply) =>
      reply.redirect(address),
    )
    app.get(path, { schema: { hide: true }, prefixTrailingSlash: 'no-slash' }, async (request, reply) => {
      // Emailed links have the host name of APP_URL, and sessions belong to a host name.
      if (otherNames.has(request.host)) return reply.redirect(`${origin}${address}`)
      const language = languageOf(request)
      pageHeaders(reply, language).header('cache-control', 'no-cache')
      keepLanguage(request, reply, publicAddress)
      const file = rendered.get(language) ?? render(page, contextFor(language, root))
      rendered.set(language, file)
      return sendDocument(request, reply, file)
    })
  }

  app.get<{ Params: { version: string; '*': string } }>(
    '/assets/:version/*',
    { schema: { hide: true }, config: { countedAsFile: true } },
    async (request, reply) => {
      const { version, '*': name } = request.params
      const file = files.find(name)
      if (file === undefined) throw problem('not_found')
      // During a rolling upgrade another instance may have rendered the page: it gets the current files, uncached.
      const forever = version === files.version
      reply.header('cache-control', forever ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache')
      return sendDocument(request, reply, file)
    },
  )

  // A browser gets errors as a page, other clients as a problem document.
  app.setNotFoundHandler(() => {
    throw problem('not_found')
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    reply.header('vary', `accept, ${VARIES_BY}`)
    if (!/^(GET|HEAD)$/.test(request.method) || !wantsHtml(request)) throw error
    const problem = toProblem(error)
    logProblem(problem, request)
    const { statusCode, retryAfter } = problem
    const language = languageOf(request)
    const depth = request.url.split('?', 1)[0]?.split('/').length ?? 2
    const context = contextFor(language, '../'.repeat(depth - 2))
    pageHeaders(reply, language).header('vary', `accept, ${VARIES_BY}`)
    keepLanguage(request, reply, publicAddress)
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    return reply
      .code(statusCode)
      .type(HTML)
      .send(layout(context, errorPage(context, statusCode, retryAfter)))
  })

  function contextFor(language: string, root: string): PageContext {
    return {
      language,
      root,
      words: messagesFor(language).pages,
      service: app.config.SERVICE_NAME,
      minLength: app.config.PASSWORD_MIN_LENGTH,
      confirmsAddresses: app.config.EMAIL_CONFIRMATION === 'required',
      assets: `app/assets/${files.version}`,
      modules: entry => [...files.importsOf(entry), `words/${language}.js`],
    }
  }
}

function render(page: (context: PageContext) => Page, context: PageContext): FixedDocument {
  return fixedDocument(layout(context, page(context)), HTML, { compress: false })
}

function pageHeaders(reply: FastifyReply, language: string): FastifyReply {
  return reply.headers({
    'content-security-policy': CSP,
    'content-language': language,
    vary: VARIES_BY,
  })
}

function wantsHtml(request: FastifyRequest): boolean {
  return request.accepts().type(['json', 'html']) === 'html'
}
