import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { describeEnvironment, loadConfig } from '../../../src/config/config.ts'

interface Service {
  image?: string
  user?: string
  command?: string[]
  environment?: Record<string, string | number>
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test?: string[]; disable?: boolean }
  ports?: string[]
  volumes?: string[]
  profiles?: string[]
  networks?: string[] | Record<string, { ipv4_address?: string }>
  stop_signal?: string
  read_only?: boolean
  cap_drop?: string[]
  cap_add?: string[]
  privileged?: boolean
  security_opt?: string[]
  mem_limit?: string
  stop_grace_period?: string
  restart?: string
}

const text = readFileSync(new URL(import.meta.resolve('#root/docker-compose.yml')), 'utf8')
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  networks: Record<string, { ipam: { config: { subnet: string }[] } }>
}
const services = Object.entries(compose.services)
const MEMBERS = ['latchkey-1', 'latchkey-2', 'latchkey-3']
const service = (name: string): Service => {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`no service ${name} in docker-compose.yml`)
  return found
}

/** Resolves `${NAME:-default}` as Compose does, with these variables. */
function interpolate(value: string | number, env: Record<string, string> = {}): string {
  return String(value).replace(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, fallback: string) => {
    return env[name] || fallback
  })
}

function environment(name: string, env: Record<string, string> = {}): Record<string, string> {
  const entries = Object.entries(service(name).environment ?? {})
  return Object.fromEntries(entries.map(([key, value]) => [key, interpolate(value, env)]))
}

t.test('the service comes with PostgreSQL, Redis, a mail catcher and a migration step', async t => {
  const always = services.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)
  t.same(always.sort(), ['latchkey', 'mailpit', 'migrate', 'postgres', 'redis'])
  t.same(Object.keys(service('latchkey').depends_on ?? {}).sort(), [
    'mailpit',
    'migrate',
    'postgres',
    'redis',
  ])
})

t.test('every dependency has a health check', async t => {
  for (const [name, { depends_on }] of services) {
    for (const [dependency, { condition }] of Object.entries(depends_on ?? {})) {
      if (condition === 'service_completed_successfully') {
        t.equal(service(dependency).restart, 'no', `${name} waits for ${dependency} to end, so it must end`)
      } else {
        t.equal(condition, 'service_healthy', `${name} waits until ${dependency} is healthy`)
        t.equal(
          service(dependency).healthcheck?.test?.[0],
          'CMD',
          `${dependency} has a check without a shell`,
        )
      }
    }
  }
})

t.test('the migration step and the service share image and environment', async t => {
  t.equal(service('migrate').image, service('latchkey').image)
  t.same(service('migrate').environment, service('latchkey').environment)
  t.equal(service('latchkey').depends_on?.['migrate']?.condition, 'service_completed_successfully')
})

t.test('the profile `cluster` adds a balancer and three instances, and nothing else', async t => {
  const added = services.filter(([, { profiles }]) => profiles !== undefined)
  t.same(added.map(([name]) => name).sort(), ['balancer', ...MEMBERS])
  for (const [name, { profiles }] of added) t.same(profiles, ['cluster'], name)
  t.same(Object.keys(service('balancer').depends_on ?? {}).sort(), MEMBERS)
})

t.test(
  'the instances of the cluster differ from the single service only in what a balancer needs',
  async t => {
    const { ports, environment: common, ...one } = service('latchkey')
    for (const name of MEMBERS) {
      const { profiles, networks, environment: own, ...member } = service(name)
      t.same(networks, ['default', 'balanced'])
      t.same(member, one, name)
      t.same({ ...own, APP_URL: common?.['APP_URL'], TRUST_PROXY: '' }, common)
      const config = loadConfig(environment(name))
      const published = service('balancer').ports?.[0]?.split(':')[1]
      t.equal(config.APP_URL, `http://localhost:${published}`, 'links lead to the balancer')
      t.equal(config.JWT_SECRET, undefined)
      t.ok(one.volumes?.includes('data:/app/data'), 'where all find the same key')
    }
  },
)

t.test('the instances trust the address of the balancer and no other', async t => {
  const { networks } = service('balancer')
  const address = (networks as Record<string, { ipv4_address?: string }>)['balanced']?.ipv4_address ?? ''
  t.same(Object.keys(networks ?? {}), ['balanced'], 'it reaches neither database nor Redis')
  for (const name of MEMBERS) t.equal(environment(name)['TRUST_PROXY'], address)
  const subnet = compose.networks['balanced']?.ipam.config[0]?.subnet ?? ''
  t.match(subnet, /^\d+\.\d+\.\d+\.0\/24$/)
  t.equal(address.replace(/\d+$/, '0/24'), subnet)
})

t.test('the balancer runs the shipped configuration, with the instances of the cluster', async t => {
  const read = (name: string) =>
    readFileSync(new URL(import.meta.resolve(`#root/deploy/nginx/${name}`)), 'utf8')
  t.same(service('balancer').volumes, ['./deploy/nginx:/etc/latchkey:ro'])
  t.same(service('balancer').command, ['nginx', '-p', '/tmp', '-c', '/etc/latchkey/nginx.conf'])
  const instances = [...read('instances.conf').matchAll(/^server (\S+) max_fails=1 fail_timeout=5s;$/gm)]
  const backups = [...read('instances.conf').matchAll(/^server (\S+) backup max_fails=0;$/gm)]
  const port = environment(MEMBERS[0] ?? '')['PORT']
  t.same(
    instances.map(([, address]) => address),
    MEMBERS.map(name => `${name}:${port}`),
  )
  t.same(
    backups.map(([, address]) => address),
    instances.map(([, address]) => address),
    'and never excludes all of them',
  )
  t.match(read('server.conf'), new RegExp(`^listen ${service('balancer').ports?.[0]?.split(':')[2]};$`, 'm'))
  t.equal(service('balancer').stop_signal, 'SIGQUIT', 'which lets requests in flight end')
})

t.test(
  'the balancer retries no request that an instance may have started, except its own probes',
  async t => {
    const conf = readFileSync(new URL(import.meta.resolve('#root/deploy/nginx/nginx.conf')), 'utf8')
    const directives = conf.replace(/#.*$/gm, '')
    const probe = /location = \/probe \{[^}]*\}/.exec(directives)?.[0] ?? ''
    t.match(probe, /\binternal;/)
    t.match(probe, /proxy_next_upstream error timeout http_503 non_idempotent;/)
    const others = directives.replace(probe, '')
    t.same(others.match(/proxy_next_upstream [^;]*;/g), ['proxy_next_upstream error timeout;'])
    t.match(others, /proxy_set_header X-Forwarded-For \$remote_addr;/, 'client headers are not forwarded')
  },
)

t.test('every variable of the service exists', async t => {
  const known = new Set(describeEnvironment().map(({ name }) => name))
  const example = readFileSync(new URL(import.meta.resolve('#root/.env.example')), 'utf8')
  const listed = new Set([...example.matchAll(/^#?\s*([A-Z][A-Z0-9_]*)=/gm)].map(match => match[1]))
  for (const name of Object.keys(service('latchkey').environment ?? {})) {
    t.ok(known.has(name), `${name} is in src/config/config.ts`)
    t.ok(listed.has(name), `${name} is in .env.example`)
  }
})

t.test('limits and headers for browsers can be set from the environment', async t => {
  const passedOn = describeEnvironment().filter(({ name }) => /^(RATE_LIMIT|CORS|HSTS|DOCS)/.test(name))
  t.ok(passedOn.length >= 9)
  for (const { name, default: byDefault } of passedOn) {
    t.equal(environment('latchkey')[name], byDefault, `${name} has its default`)
    t.equal(environment('latchkey', { [name]: '77' })[name], '77', `${name} is passed on`)
  }
})

t.test("the operators' API is off unless its port is set, and then local", async t => {
  t.equal(loadConfig(environment('latchkey')).OPERATOR_PORT, undefined)
  const config = loadConfig(environment('latchkey', { OPERATOR_PORT: '3001' }))
  t.match(config, { OPERATOR_PORT: 3001, OPERATOR_HOST: '127.0.0.1' })
  const shared = environment('latchkey', { OPERATOR_PORT: '3001', OPERATOR_HOST: '0.0.0.0' })
  t.equal(loadConfig(shared).OPERATOR_HOST, '0.0.0.0')
})

t.test('it starts without a configured secret, and not as a production server', async t => {
  const config = loadConfig(environment('latchkey'))
  t.equal(config.NODE_ENV, 'development')
  t.equal(config.JWT_SECRET, undefined, 'no published key')
  t.equal(config.MAIL_SERVER, 'mailpit')
  t.equal(config.TRUST_PROXY, undefined)
  t.throws(() => loadConfig(environment('latchkey', { NODE_ENV: 'production' })), {
    name: 'ConfigError',
    message: /JWT_SECRET/,
  })
  t.throws(
    () =>
      loadConfig(
        environment('latchkey', {
          NODE_ENV: 'production',
          JWT_SECRET: 'nUc0tJ3+Yb6dQ2mVx9LkR5wPz8HsF1gE7oTaCiB4',
          APP_URL: 'http://accounts.example.org',
        }),
      ),
    { name: 'ConfigError', message: /APP_URL/ },
    'and not with links that send tokens in clear',
  )
})

t.test('DATABASE_URL matches the host, user and database', async t => {
  const url = new URL(environment('latchkey')['DATABASE_URL'] ?? '')
  const postgres = environment('postgres')
  t.equal(url.hostname, 'postgres')
  t.equal(url.username, postgres['POSTGRES_USER'])
  t.equal(url.password, postgres['POSTGRES_PASSWORD'])
  t.equal(url.pathname, `/${postgres['POSTGRES_DB']}`)
})

t.test('nothing listens on other interfaces, and neither database nor Redis listens on the host', async t => {
  for (const [name, { ports = [] }] of services) {
    for (const port of ports) t.match(port, /^127\.0\.0\.1:\d+:\d+$/, `${name} publishes on loopback only`)
  }
  t.equal(service('postgres').ports, undefined)
  t.equal(service('redis').ports, undefined)
})

t.test('images are pinned to a version', async t => {
  for (const [name, { image = '' }] of services) {
    t.match(image, /^[a-z0-9/]+:v?\d[\w.-]*$/, `${name}: ${image}`)
    t.notMatch(image, /latest/)
  }
})

t.test('no container can write to its image, gain privileges or exhaust the memory', async t => {
  for (const [name, container] of services) {
    t.equal(container.read_only, true, `${name} has a read-only root`)
    t.same(container.cap_drop, ['ALL'], `${name} has no capability`)
    t.equal(container.cap_add, undefined, `${name} is given none back`)
    t.equal(container.privileged, undefined)
    t.ok(container.security_opt?.includes('no-new-privileges:true'), `${name} gains no privilege`)
    t.match(container.mem_limit, /^\d+m$/, `${name} has a memory limit`)
  }
  for (const name of ['postgres', 'redis', 'mailpit', 'balancer']) {
    t.notMatch(service(name).user ?? 'root', /^(root|0)(:|$)/, `${name} is not root`)
  }
})

t.test('the service has more time to stop than a drain takes', async t => {
  for (const name of ['latchkey', ...MEMBERS, 'balancer']) {
    t.match(service(name).stop_grace_period, /^\d+s$/)
    t.ok(Number.parseInt(service(name).stop_grace_period ?? '', 10) > 20)
  }
})

t.test('volumes are named and declared', async t => {
  for (const [name, { volumes = [] }] of services) {
    for (const volume of volumes) {
      const [source = '', , mode] = volume.split(':')
      if (source.startsWith('./')) t.equal(mode, 'ro', `${name} only reads ${source}`)
      else t.ok(Object.hasOwn(compose.volumes, source), `${name}: ${source}`)
    }
  }
  t.equal(service('redis').volumes, undefined, 'counts are not persisted')
})
