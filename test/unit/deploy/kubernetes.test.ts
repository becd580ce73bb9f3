import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { describeEnvironment, loadConfig } from '../../../src/config/config.ts'

// biome-ignore lint/suspicious/noExplicitAny: any manifest; the published schemas say what it holds
type Manifest = any

const folder = new URL('deploy/kubernetes/', import.meta.resolve('#root/package.json'))
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const files = readdirSync(folder).filter(name => name !== 'kustomization.yaml')
const manifests: { file: string; manifest: Manifest }[] = files.flatMap(file =>
  parseAllDocuments(read(file)).map(document => ({ file, manifest: document.toJS() })),
)
const kustomization = parse(read('kustomization.yaml'))

function manifest(kind: string): Manifest {
  const found = manifests.filter(({ manifest }) => manifest.kind === kind)
  if (found.length !== 1) throw new Error(`${found.length} of kind ${kind}`)
  return found[0]?.manifest
}

/** A copy that records which of its properties are read. */
function watched<T extends object>(value: T, seen: Set<string>, path = ''): T {
  const copy = (Array.isArray(value) ? [] : {}) as Record<string, unknown>
  for (const [key, child] of Object.entries(value)) {
    const own = `${path}/${key}`
    const inner = typeof child === 'object' && child !== null ? watched(child, seen, own) : child
    Object.defineProperty(copy, key, {
      enumerable: true,
      get() {
        seen.add(own)
        return inner
      },
    })
  }
  return copy as T
}

/** The path of every property. */
function paths(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([key, child]) => [
    `${path}/${key}`,
    ...(typeof child === 'object' && child !== null ? paths(child, `${path}/${key}`) : []),
  ])
}

/**
 * Validates a manifest against Kubernetes' schema of its kind. The schemas allow unknown properties, which a strict
 * API server refuses: those are the properties that the validation never reads.
 *
 * @returns the faults
 */
async function problemsOf(subject: Manifest): Promise<string[]> {
  const models = (await import(`kubernetes-models/${subject.apiVersion}/${subject.kind}`)) as Record<
    string,
    { prototype: { validate(this: object): void } }
  >
  const model = models[subject.kind]
  if (model === undefined) return [`no schema for ${subject.apiVersion} ${subject.kind}`]
  const seen = new Set<string>()
  try {
    // The manifest itself, because creating a model reads every property.
    model.prototype.validate.call(watched(subject, seen))
  } catch (error) {
    return [(error as Error).message]
  }
  return paths(subject)
    .filter(path => !seen.has(path))
    .map(path => `${path} is unknown`)
}

t.test('every manifest matches the published schema of its kind', async t => {
  t.ok(manifests.length >= 10)
  for (const { file, manifest } of manifests) {
    if (manifest.kind === 'Secret') continue
    t.strictSame(await problemsOf(manifest), [], file)
  }
})

t.test('the check finds a missing, a mistyped, a misspelt and a misplaced property', async t => {
  const broken = async (change: (copy: Manifest) => void) => {
    const copy = structuredClone(manifest('Deployment'))
    change(copy)
    return (await problemsOf(copy)).join('\n')
  }
  const container = (copy: Manifest) => copy.spec.template.spec.containers[0]
  t.match(await broken(copy => delete copy.spec.selector), /selector/)
  t.match(
    await broken(copy => {
      container(copy).ports[0].containerPort = '3000'
    }),
    /containerPort must be integer/,
  )
  t.match(
    await broken(copy => {
      container(copy).readynessProbe = {}
    }),
    /readynessProbe is unknown/,
  )
  t.match(
    await broken(copy => {
      copy.spec.template.spec.readOnlyRootFilesystem = true
    }),
    /readOnlyRootFilesystem is unknown/,
  )
})

t.test('the kustomization applies everything except the examples', async t => {
  t.same(kustomization.resources.toSorted(), files.filter(name => !name.includes('.example.')).sort())
  t.equal(kustomization.namespace, manifest('Namespace').metadata.name)
})

t.test('the sample secrets are rejected', async t => {
  const { data, stringData } = manifest('Secret')
  t.equal(stringData, undefined)
  for (const [name, value] of Object.entries(data as Record<string, string>)) {
    t.notMatch(value, /^[A-Za-z0-9+/]*=*$/, `${name} is not base64, so that the API server refuses it`)
    const env = { ...manifest('ConfigMap').data, ...data, [name]: value }
    t.throws(() => loadConfig(env), { name: 'ConfigError' }, 'and the service would refuse it too')
  }
})

t.test('with real secrets the service accepts the configuration', async t => {
  const { data } = manifest('ConfigMap')
  const names = [...Object.keys(data), ...Object.keys(manifest('Secret').data)]
  const known = describeEnvironment().map(({ name }) => name)
  for (const name of names) t.ok(known.includes(name), `${name} is in src/config/config.ts`)
  t.equal(new Set(names).size, names.length, 'no variable is set twice')
  for (const value of Object.values(data)) t.type(value, 'string', 'ConfigMap values are strings')
  const config = loadConfig({
    ...data,
    JWT_SECRET: 'nUc0tJ3+Yb6dQ2mVx9LkR5wPz8HsF1gE7oTaCiB4',
    DATABASE_URL: 'postgresql://latchkey:fR3tq9wLk2@postgres.example.org/latchkey',
    REDIS_URL: 'rediss://redis.example.org',
    MAIL_USERNAME: 'latchkey',
    MAIL_PASSWORD: 'mV7xq2Lr9d',
  })
  t.equal(config.NODE_ENV, 'production')
  t.equal(config.PORT, manifest('Deployment').spec.template.spec.containers[0].ports[0].containerPort)
  t.ok(config.TRUST_PROXY, 'the limits see clients, not the ingress controller')
})

t.test("the line for the operators' API opens it on the loopback interface of a pod only", async t => {
  const text = read('configmap.yaml')
  const opened = parse(text.replace(/^( +)# (?=OPERATOR_PORT:)/m, '$1')).data
  t.equal(manifest('ConfigMap').data.OPERATOR_PORT, undefined, 'off until then')
  const { NODE_ENV: _, ...env } = opened
  t.match(loadConfig(env), { OPERATOR_PORT: 3001, OPERATOR_HOST: '127.0.0.1' })
})

for (const kind of ['Deployment', 'Job']) {
  t.test(`no pod of the ${kind} runs as root, can write to its image or gain privileges`, async t => {
    const { spec, metadata } = manifest(kind).spec.template
    t.match(spec, {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    })
    t.equal(metadata.labels['app.kubernetes.io/name'], 'latchkey', 'and the network policy selects it')
    for (const container of spec.containers) {
      t.strictSame(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      t.ok(container.resources.requests.cpu && container.resources.requests.memory)
      t.ok(container.resources.limits.memory)
      t.equal(container.image, kustomization.images[0].name.concat(':', kustomization.images[0].newTag))
      t.notMatch(container.image, /latest/)
      t.equal(container.volumeMounts, undefined, 'no file is written')
    }
  })
}

t.test('the migration runs a command of the image, to its end', async t => {
  const { spec } = manifest('Job').spec.template
  t.equal(spec.restartPolicy, 'Never')
  const command: string[] = spec.containers[0].command
  const source = command.at(-1)?.replace(/^dist\/bin\/(\w+)\.js$/, 'src/$1.ts') ?? ''
  t.ok(readFileSync(new URL(`../../${source}`, folder)).length > 0)
})

t.test('probes use existing endpoints, and a drain has enough time', async t => {
  const { spec } = manifest('Deployment').spec.template
  const [{ startupProbe, livenessProbe, readinessProbe, lifecycle }] = spec.containers
  t.equal(startupProbe.httpGet.path, '/health/live')
  t.equal(livenessProbe.httpGet.path, '/health/live', 'an unreachable database restarts nothing')
  t.equal(readinessProbe.httpGet.path, '/health/ready')
  t.ok(startupProbe.periodSeconds * startupProbe.failureThreshold >= 60)
  t.ok(spec.terminationGracePeriodSeconds > 25)
  t.equal(lifecycle, undefined, 'the service itself keeps serving for 3 s')
})

t.test('all selectors match the same pods', async t => {
  const { selector, template } = manifest('Deployment').spec
  t.same(template.metadata.labels, selector.matchLabels)
  t.same(manifest('Service').spec.selector, selector.matchLabels)
  t.same(manifest('PodDisruptionBudget').spec.selector, selector)
  for (const { labelSelector } of template.spec.topologySpreadConstraints) t.same(labelSelector, selector)
  t.not(
    manifest('Job').spec.template.metadata.labels['app.kubernetes.io/component'],
    selector.matchLabels['app.kubernetes.io/component'],
    'and no traffic goes to the migration',
  )
  const { scaleTargetRef, metrics, minReplicas } = manifest('HorizontalPodAutoscaler').spec
  t.match(scaleTargetRef, { kind: 'Deployment', name: manifest('Deployment').metadata.name })
  t.equal(metrics[0].resource.name, 'cpu')
  t.ok(minReplicas > manifest('PodDisruptionBudget').spec.maxUnavailable)
  t.equal(manifest('Deployment').spec.replicas, undefined, 'the autoscaler decides how many')
  const { backend } = manifest('Ingress').spec.rules[0].http.paths[0]
  t.equal(backend.service.name, manifest('Service').metadata.name)
})
