/** The variables of the environment. docs/configuration.md and `.env.example` follow this schema. */
import Type, { type Static } from 'typebox'
import { DERIVED, isKey, isPrivateKey } from './key.ts'
import { serializedOrigin } from './origins.ts'
import { isLinkTarget } from './urls.ts'

const MEBIBYTE_KIB = 1024
/** Bounds of a hash's cost, also of a stored one. */
export const ARGON2_MAXIMA = { memory: 1024 * MEBIBYTE_KIB, time: 16, parallelism: 16 }
const MAILBOX = '^([^<>\\p{Cc}]*<[^<>@\\s]+@[^<>@\\s]+>|[^<>@\\s]+@[^<>@\\s]+)$'

export const Environment = Type.Object({
  NODE_ENV: Type.Union([Type.Literal('development'), Type.Literal('test'), Type.Literal('production')], {
    default: 'development',
    description:
      '`production` requires `JWT_SECRET`, an https `APP_URL`, `DATABASE_URL`, a mail server and rate limits',
  }),
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'address to listen on' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'port to listen on' }),
  APP_URL: Type.Optional(
    Type.String({
      description:
        'URL of the service as browsers see it: base of links and of the refresh cookie; by default `http://localhost` and the port',
    }),
  ),
  OPERATOR_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65535,
      description: "port of the operators' API; without it there is none",
    }),
  ),
  OPERATOR_HOST: Type.String({
    default: '127.0.0.1',
    minLength: 1,
    description: "address of the operators' API; keep it off public networks",
  }),
  PAGES: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off`: no pages under /app, only the API',
  }),
  DOCS: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off`: no Swagger UI under /docs; /openapi.json stays',
  }),
  CONFIRM_EMAIL_URL: linkTarget('target of links in confirmation emails, instead of the page'),
  ACCEPT_INVITATION_URL: linkTarget('target of links in invitations'),
  RESET_PASSWORD_URL: linkTarget('target of links in reset emails'),
  FORGOT_PASSWORD_URL: linkTarget('page on which people request a reset'),
  CHANGE_EMAIL_URL: linkTarget('target of links in emails to a new address'),
  SECURE_ACCOUNT_URL: linkTarget('target of "this was not me" links'),
  CHANGE_PASSWORD_URL: linkTarget('target of `/.well-known/change-password`'),
  SERVICE_NAME: Type.String({
    default: 'latchkey',
    minLength: 1,
    maxLength: 64,
    pattern: '^[^\\p{Cc}]+$',
    description: 'name of the service in emails; refused as a password',
  }),
  DATABASE_URL: Type.String({
    default: 'file:./data/latchkey.db',
    pattern: '^(file:.|postgres(ql)?://.)',
    description: '`file:…` for the embedded SQLite, `postgresql://…` for PostgreSQL',
  }),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://.',
      description: '`redis://…` or `rediss://…`: all instances count limits together',
    }),
  ),
  JWT_SECRET: Type.Optional(
    Type.String({
      minLength: 32,
      description: 'signing secret, at least 32 bytes; generated once in development if absent',
    }),
  ),
  JWT_SECRET_PREVIOUS: Type.Optional(
    Type.String({ minLength: 32, description: 'previous signing secret: still verifies, never signs' }),
  ),
  ACCESS_TOKEN_TTL: seconds(900, 'lifetime of an access token'),
  ACCESS_TOKEN_ALG: Type.Union([Type.Literal('ES256'), Type.Literal('HS256')], {
    default: 'ES256',
    description:
      'signature of new access tokens; `HS256`, which only this service verifies, while instances of the previous release run',
  }),
  ACCESS_TOKEN_AUDIENCE: Type.Optional(
    Type.String({
      maxLength: 255,
      pattern: '^\\S+$',
      description: 'audience (`aud`) of access tokens, without spaces; by default `APP_URL`',
    }),
  ),
  ACCESS_TOKEN_CLIENT_ID: Type.String({
    default: 'latchkey',
    maxLength: 128,
    pattern: '^[\\x20-\\x7e]+$',
    description: '`client_id` of access tokens, in ASCII',
  }),
  ACCESS_TOKEN_EMAIL: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'off',
    description: '`on`: access tokens carry `email` and `email_verified`',
  }),
  ACCESS_TOKEN_PRIVATE_KEY: Type.Optional(
    Type.Refine(
      Type.String({
        description:
          'P-256 private key in PEM that signs access tokens; by default derived from `JWT_SECRET`',
      }),
      isPrivateKey,
    ),
  ),
  ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: Type.Optional(
    Type.Refine(
      Type.String({
        description:
          'another P-256 key in PEM, or `derived` for that of `JWT_SECRET`: published and verifies, never signs',
      }),
      text => text === DERIVED || isKey(text),
    ),
  ),
  REFRESH_TOKEN_TTL: seconds(2_592_000, 'longest lifetime of a session'),
  REFRESH_IDLE_TTL: seconds(1_209_600, 'lifetime of a session without a refresh'),
  REFRESH_GRACE: seconds(10, 'time in which a spent refresh token still returns its successor', 0),
  RESET_TOKEN_TTL: seconds(1800, 'lifetime of a reset link and its code, from the time of sending'),
  CONFIRM_TOKEN_TTL: seconds(
    86_400,
    'lifetime of a confirmation link and its code, from the time of sending',
  ),
  INVITATION_TOKEN_TTL: seconds(604_800, 'lifetime of the link of an invitation, from the time of sending'),
  CHANGE_CODE_TTL: seconds(600, 'lifetime of an emailed code for a change of password'),
  SECURE_TOKEN_TTL: seconds(604_800, 'lifetime of a "this was not me" link'),
  EVENT_RETENTION: seconds(31_536_000, 'retention of the history of an account'),
  MAIL_RETENTION: seconds(
    604_800,
    'retention of emails in the outbox that were sent, cancelled or not needed',
    86_400,
  ),
  DEAD_MAIL_RETENTION: seconds(2_592_000, 'retention of dead letters: emails that could not be sent', 86_400),
  EMAIL_CONFIRMATION: Type.Union([Type.Literal('required'), Type.Literal('off')], {
    default: 'required',
    description: '`off`: registration creates an unconfirmed account at once',
  }),
  PASSWORD_MIN_LENGTH: Type.Integer({
    default: 8,
    minimum: 8,
    maximum: 128,
    description: 'in code points; NIST requires 15 if the password is the only factor',
  }),
  MAIL_BACKEND: Type.Union([Type.Literal('console'), Type.Literal('smtp')], {
    default: 'console',
    description: '`console` prints emails, `smtp` sends them',
  }),
  MAIL_SERVER: Type.String({ default: 'localhost', minLength: 1, description: 'SMTP host' }),
  MAIL_PORT: Type.Integer({ default: 25, minimum: 1, maximum: 65535, description: 'SMTP port' }),
  MAIL_USE_TLS: Type.Boolean({ default: false, description: 'require STARTTLS' }),
  MAIL_USE_SSL: Type.Boolean({ default: false, description: 'TLS from the first byte (port 465)' }),
  MAIL_USERNAME: Type.Optional(Type.String({ description: 'SMTP user' })),
  MAIL_PASSWORD: Type.Optional(Type.String({ description: 'SMTP password' })),
  MAIL_DEFAULT_SENDER: Type.String({
    default: 'latchkey <no-reply@localhost>',
    pattern: MAILBOX,
    description: 'sender of every email',
  }),
  MAIL_REPLY_TO: Type.Optional(
    Type.String({ pattern: MAILBOX, description: 'address for replies, if not the sender' }),
  ),
  MAIL_ENVELOPE_SENDER: Type.Optional(
    Type.String({
      pattern: '^[^<>@\\s]+@[^<>@\\s]+$',
      description: 'address for bounces (MAIL FROM), if not the sender',
    }),
  ),
  MAIL_EHLO_NAME: Type.Optional(
    Type.String({
      pattern: '^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[a-zA-Z0-9.:]+\\])$',
      maxLength: 255,
      description: 'name in EHLO; by default the host of `APP_URL`',
    }),
  ),
  MAIL_CA_FILE: Type.Optional(
    Type.String({ description: 'PEM file of the CA of the mail server, instead of the public ones' }),
  ),
  ARGON2_MEMORY_KIB: Type.Integer({
    default: 19 * MEBIBYTE_KIB,
    minimum: 8,
    maximum: ARGON2_MAXIMA.memory,
    description: 'argon2id memory',
  }),
  ARGON2_TIME_COST: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: ARGON2_MAXIMA.time,
    description: 'argon2id passes',
  }),
  ARGON2_PARALLELISM: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: ARGON2_MAXIMA.parallelism,
    description: 'argon2id lanes',
  }),
  HASH_QUEUE_TIMEOUT: seconds(10, 'time that a request waits for a hash before it is shed with 503'),
  UV_THREADPOOL_SIZE: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1024,
      description:
        "threads of libuv's pool; one fewer hash at once, at most as many as cores; by default the cores and four",
    }),
  ),
  RATE_LIMIT: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: '`off` lifts every limit, also the caps on emails; for load tests only',
  }),
  RATE_LIMIT_ALL: limit('requests a minute from one network', '100'),
  RATE_LIMIT_LOGIN: limit('failed logins and password checks in 3 minutes from one network', '10'),
  RATE_LIMIT_REGISTER: limit('registrations an hour from one network, and five times as many a day', '20'),
  RATE_LIMIT_MAIL: limit('requests for emails an hour from one network', '10'),
  TRUST_PROXY: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'addresses or CIDR ranges of proxies, separated by commas, whose `X-Forwarded-For`, `x-request-id` and `traceparent` are trusted; no hop count',
    }),
  ),
  CORS_ORIGINS: Type.Array(
    Type.Refine(Type.String(), text => text === '*' || serializedOrigin(text) === text),
    {
      default: [],
      description: 'origins of front ends (scheme, host and port, of any scheme), separated by commas',
    },
  ),
  CORS_ALLOWED_HEADERS: Type.Array(Type.String({ pattern: "^[!#$%&'+.^_`|~\\w-]+$" }), {
    default: [],
    description:
      'additional headers that these front ends may send, such as `traceparent`, separated by commas',
  }),
  HSTS_INCLUDE_SUBDOMAINS: Type.Boolean({
    default: false,
    description: 'browsers use https for every subdomain of the host too, for two years',
  }),
  LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(level => Type.Literal(level)),
    { default: 'info', description: 'lowest level that is logged; health probes have `debug`' },
  ),
})

/** The validated, frozen configuration. Durations are in seconds. */
export type Config = Readonly<Static<typeof Environment> & { APP_URL: string }>

function linkTarget(description: string) {
  return Type.Optional(Type.Refine(Type.String({ description }), isLinkTarget))
}

function limit(subject: string, number: string) {
  const description = `${subject}; by default ${number}, in development ten times as many`
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
