import {
  type MailContexts,
  type MailKind,
  type RenderedMail,
  renderMail,
} from '../../../src/mail/templates.ts'

const base = { to: 'ada@example.org', locale: null, service: 'latchkey' }
const link = 'https://app.example.org/app/page#token=abc.def.ghi'
const at = new Date('2026-03-04T15:06:07+02:00')
const newEmail = 'lovelace@example.net'

/** One context of each kind. */
export const contexts: MailContexts = {
  confirm_address: { ...base, link, validFor: 86_400 },
  already_registered: { ...base, link: 'https://app.example.org/app/forgot-password' },
  reset_password: { ...base, link, code: '12345678', validFor: 1800 },
  password_change_code: { ...base, code: '123456', validFor: 600 },
  password_changed: { ...base, link, at },
  change_email: { ...base, link, validFor: 86_400 },
  email_change_requested: { ...base, link, at, newEmail },
  email_changed: { ...base, link, at, newEmail },
  new_device: { ...base, link, at, device: 'Firefox on Linux', ip: '192.0.2.17' },
  account_secured: { ...base, link, validFor: 1800 },
  invitation: { ...base, link, validFor: 604_800 },
  reset_required: { ...base, link, validFor: 1800 },
  farewell: base,
  account_deleted: { ...base, link, at, validFor: 604_800 },
}

export const kinds = Object.keys(contexts) as MailKind[]

/** Renders a kind with parts of its context replaced. */
export function render(kind: MailKind, overrides: { [name: string]: unknown } = {}): RenderedMail {
  return renderMail(kind, { ...contexts[kind], ...overrides } as never)
}

/** The link in the context of a kind, if it has one. */
export function linkOf(kind: MailKind): string | undefined {
  const context = contexts[kind]
  return 'link' in context ? context.link : undefined
}

/** The text of the HTML that a reader sees, in pieces: no head, no tags, entities decoded. */
export function textNodes(html: string): string[] {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  return html
    .replace(/^.*<body/s, '<body')
    .split(/<[^>]*>/)
    .map(node => node.replace(/&([a-z]+|#39);/g, (_, name: string) => entities[name] ?? '?').trim())
    .filter(node => node !== '')
}

/** The whole visible text. */
export function visible(html: string): string {
  return textNodes(html).join(' ')
}
