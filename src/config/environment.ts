/**
 * The variables of the environment and their type, described once. `.env.example`, docs/configuration.md and the
 * types of the whole service follow from this schema; tests hold them together.
 */
import Type, { type Static } from 'typebox'
import { serializedOrigin } from './origins.ts'
import { isLinkTarget } from './urls.ts'

const MEBIBYTE_KIB = 1024
/** One address, with or without a display name. */
const MAILBOX = '^([^<>\\p{Cc}]*<[^<>@\\s]+@[^<>@\\s]+>|[^<>@\\s]+@[^<>@\\s]+)$'

/** Each variable with its form, default and description. */
export const Environment = Type.Object({
  NODE_ENV: Type.Union([Type.Literal('development'), Type.Literal('test'), Type.Literal('production')], {
    default: 'development',
    description:
      '`production` demands `JWT_SECRET`, an https `APP_URL`, `DATABASE_URL`, a mail server and the limits on',
  }),
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'address to listen on' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'port to listen on' }),
  APP_URL: Type.Optional(
    Type.String({
      description:
        'the service as browsers see it: base of links and of the refresh cookie; `http://localhost` and the port by default',
    }),
  ),
  PAGES: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off`: no pages under /app, the API alone',
  }),
  DOCS: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off`: no Swagger UI under /docs; /openapi.json stays',
  }),
  CONFIRM_EMAIL_URL: linkTarget('where confirmation mails lead, instead of the page'),
  RESET_PASSWORD_URL: linkTarget('where reset mails lead'),
  FORGOT_PASSWORD_URL: linkTarget('where one asks for a reset'),
  CHANGE_EMAIL_URL: linkTarget('where mails to a new address lead'),
  SECURE_ACCOUNT_URL: linkTarget('where "this was not me" leads'),
  CHANGE_PASSWORD_URL: linkTarget('where `/.well-known/change-password` leads'),
  SERVICE_NAME: Type.String({
    default: 'latchkey',
    minLength: 1,
    maxLength: 64,
    pattern: '^[^\\p{Cc}]+$',
    description: 'name that mails sign with; refused as a password',
  }),
  DATABASE_URL: Type.String({
    default: 'file:./data/latchkey.db',
    pattern: '^(file:.|postgres(ql)?://.)',
    description: '`file:…` for the embedded SQLite, `postgresql://…` for PostgreSQL',
  }),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://.',
      description: '`redis://…`: limits are counted there, for all instances together',
    }),
  ),
  JWT_SECRET: Type.Optional(
    Type.String({ minLength: 32, description: 'signing secret, at least 32 bytes; made once if absent' }),
  ),
  JWT_SECRET_PREVIOUS: Type.Optional(
    Type.String({ minLength: 32, description: 'the secret before this one: still verifies, never signs' }),
  ),
  ACCESS_TOKEN_TTL: seconds(900, 'life of an access token'),
  REFRESH_TOKEN_TTL: seconds(2_592_000, 'life of a session, however busy'),
  REFRESH_IDLE_TTL: seconds(1_209_600, 'life of a session that is not refreshed'),
  REFRESH_GRACE: seconds(10, 'how long a spent refresh token still yields its successor', 0),
  RESET_TOKEN_TTL: seconds(1800, 'life of a reset link and its code, from when they are sent'),
  CONFIRM_TOKEN_TTL: seconds(86_400, 'life of a confirmation link and its code, from when they are sent'),
  CHANGE_CODE_TTL: seconds(600, 'life of a mailed code for a change of password'),
  SECURE_TOKEN_TTL: seconds(604_800, 'life of a "this was not me" link'),
  EVENT_RETENTION: seconds(31_536_000, 'how long the history of an account is kept'),
  MAIL_RETENTION: seconds(
    86_400,
    'how long a mail that was sent or not needed is kept in the outbox',
    86_400,
  ),
  DEAD_MAIL_RETENTION: seconds(2_592_000, 'how long a mail that could not be sent is kept', 86_400),
  EMAIL_CONFIRMATION: Type.Union([Type.Literal('required'), Type.Literal('off')], {
    default: 'required',
    description: '`off`: an account is there at once, unconfirmed',
  }),
  PASSWORD_MIN_LENGTH: Type.Integer({
    default: 8,
    minimum: 8,
    maximum: 128,
    description: 'in code points; NIST asks for 15 where the password is the only factor',
  }),
  MAIL_BACKEND: Type.Union([Type.Literal('console'), Type.Literal('smtp')], {
    default: 'console',
    description: '`console` prints mails, `smtp` sends them',
  }),
  MAIL_SERVER: Type.String({ default: 'localhost', minLength: 1, description: 'SMTP host' }),
  MAIL_PORT: Type.Integer({ default: 25, minimum: 1, maximum: 65535, description: 'SMTP port' }),
  MAIL_USE_TLS: Type.Boolean({ default: false, description: 'STARTTLS, and nothing without it' }),
  MAIL_USE_SSL: Type.Boolean({ default: false, description: 'TLS from the first byte (port 465)' }),
  MAIL_USERNAME: Type.Optional(Type.String({ description: 'SMTP user' })),
  MAIL_PASSWORD: Type.Optional(Type.String({ description: 'SMTP password' })),
  MAIL_DEFAULT_SENDER: Type.String({
    default: 'latchkey <no-reply@localhost>',
    pattern: MAILBOX,
    description: 'sender of every mail',
  }),
  MAIL_REPLY_TO: Type.Optional(
    Type.String({ pattern: MAILBOX, description: 'where replies to mails go, if not to the sender' }),
  ),
  MAIL_ENVELOPE_SENDER: Type.Optional(
    Type.String({
      pattern: '^[^<>@\\s]+@[^<>@\\s]+$',
      description: 'where bounces go (MAIL FROM), if not to the sender',
    }),
  ),
  MAIL_EHLO_NAME: Type.Optional(
    Type.String({
      pattern: '^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[a-zA-Z0-9.:]+\\])$',
      maxLength: 255,
      description: 'name in EHLO; the host of `APP_URL` by default',
    }),
  ),
  MAIL_CA_FILE: Type.Optional(
    Type.String({ description: 'PEM file of the CA that signs the mail server, instead of the usual ones' }),
  ),
  ARGON2_MEMORY_KIB: Type.Integer({
    default: 19 * MEBIBYTE_KIB,
    minimum: 8,
    maximum: 1024 * MEBIBYTE_KIB,
    description: 'argon2id memory',
  }),
  ARGON2_TIME_COST: Type.Integer({ default: 2, minimum: 1, maximum: 16, description: 'argon2id passes' }),
  ARGON2_PARALLELISM: Type.Integer({ default: 1, minimum: 1, maximum: 16, description: 'argon2id lanes' }),
  HASH_PATIENCE: seconds(10, 'how long a request waits for a hash before it is shed with 503'),
  UV_THREADPOOL_SIZE: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1024,
      description:
        "threads of libuv's pool: one less than these hash at once, and no more than cores; cores and four by default",
    }),
  ),
  RATE_LIMIT: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off` lifts every limit, the mail caps too; for load tests',
  }),
  RATE_LIMIT_ALL: limit('requests a minute from one network', '100'),
  RATE_LIMIT_LOGIN: limit('refused logins and password checks in 3 minutes from one network', '10'),
  RATE_LIMIT_REGISTER: limit('registrations an hour from one network, and five times as many a day', '20'),
  RATE_LIMIT_MAIL: limit('requests for mails an hour from one network', '10'),
  TRUST_PROXY: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'proxies whose `X-Forwarded-For`, `x-request-id` and `traceparent` count: addresses or CIDR ranges, by commas; no hop count',
    }),
  ),
  CORS_ORIGINS: Type.Array(
    Type.Refine(Type.String(), text => text === '*' || serializedOrigin(text) === text),
    {
      default: [],
      description: 'origins of front ends (scheme, host and port, of any scheme), by commas',
    },
  ),
  CORS_ALLOWED_HEADERS: Type.Array(Type.String({ pattern: "^[!#$%&'+.^_`|~\\w-]+$" }), {
    default: [],
    description: 'header fields that these front ends may send besides, such as `traceparent`, by commas',
  }),
  HSTS_INCLUDE_SUBDOMAINS: Type.Boolean({
    default: false,
    description: 'browsers use https for every subdomain of the host too, for two years',
  }),
  LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(level => Type.Literal(level)),
    { default: 'info', description: 'least level that is logged; probes are at `debug`' },
  ),
})

/** The validated configuration: one frozen object, durations in seconds. */
export type Config = Readonly<Static<typeof Environment> & { APP_URL: string }>

function linkTarget(description: string) {
  return Type.Optional(Type.Refine(Type.String({ description }), isLinkTarget))
}

/** A limit that is ten times as much in development where it is not set. */
function limit(what: string, number: string) {
  const description = `${what}; ${number} by default, and ten times as many in development`
  return Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description }))
}

function seconds(value: number, description: string, minimum = 1) {
  return Type.Integer({
    default: value,
    minimum,
    maximum: 31_536_000,
    description: `${description}, in seconds`,
  })
}
