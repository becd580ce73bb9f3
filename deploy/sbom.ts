/**
 * Writes dist/sbom.cdx.json: what the service is made of besides its own code, as CycloneDX. npm makes it from
 * the lockfile; of one lockfile and one npm it is the same to the byte.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { v5 as uuidv5 } from 'uuid'
import { ROOT } from '../src/shared/root.ts'
import { npm } from './npm.ts'

/** Where the bill of materials is, not in git. */
export const BILL = fileURLToPath(new URL('dist/sbom.cdx.json', ROOT))

/** What of CycloneDX is read or set here. */
export interface Bill {
  serialNumber?: string
  metadata: { timestamp?: string; component: { 'bom-ref': string; name: string } }
  components: { 'bom-ref': string; name: string; version: string; purl: string; hashes?: object[] }[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

interface Locked {
  version: string
  dev?: boolean
  devOptional?: boolean
}

/**
 * The bill of materials of the production dependencies, optional ones of every platform too.
 *
 * `npm sbom --omit=dev` (11.19) would leave out what production and development both depend on, nodemailer
 * for one. So npm tells of all, and the lockfile which of them production has.
 */
export function billOfMaterials(): Bill {
  const [program, ...args] = npm('sbom', '--sbom-format=cyclonedx', '--package-lock-only')
  const all: Bill = JSON.parse(
    execFileSync(program, args, {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  const root = all.metadata.component
  const production = lockedForProduction()
  const locked = all.components.filter(({ name, version }) => production.has(`${name}@${version}`))
  const refs = reachable(root['bom-ref'], all.dependencies, new Set(locked.map(each => each['bom-ref'])))
  const components = locked.filter(component => refs.has(component['bom-ref']))
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(other => refs.has(other)) }))
  // When it was made, and a number that is drawn, would make every build another one. npm takes the name of
  // the folder for that of the root.
  const { timestamp: _, ...metadata } = { ...all.metadata, component: { ...root, name: manifest().name } }
  const { serialNumber: __, ...bill } = { ...all, metadata, components, dependencies }
  return { ...bill, serialNumber: `urn:uuid:${uuidv5(JSON.stringify(bill), uuidv5.URL)}` }
}

/**
 * What a component leads to by way of `allowed` ones. The lockfile marks the platform packages of a development
 * dependency as optional alone, so they are known by the way that leads to them.
 */
function reachable(start: string, graph: Bill['dependencies'], allowed: Set<string>): Set<string> {
  const edges = new Map(graph.map(({ ref, dependsOn }) => [ref, dependsOn]))
  const found = new Set([start])
  // A set that grows is walked to its end.
  for (const ref of found) for (const next of edges.get(ref) ?? []) if (allowed.has(next)) found.add(next)
  return found
}

/** `name@version` of what the image installs: neither of development nor a peer that only development has. */
function lockedForProduction(): Set<string> {
  const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')) as {
    packages: Record<string, Locked>
  }
  return new Set(
    Object.entries(packages)
      .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
      .map(([path, { version }]) => `${path.slice(path.lastIndexOf(FOLDER) + FOLDER.length)}@${version}`),
  )
}

const FOLDER = 'node_modules/'

function manifest(): { name: string } {
  return JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bill = billOfMaterials()
  mkdirSync(dirname(BILL), { recursive: true })
  writeFileSync(BILL, `${JSON.stringify(bill, null, 2)}\n`)
  process.stdout.write(`${BILL}: ${bill.components.length} components\n`)
}
