import { readFileSync } from 'node:fs'
import t from 'tap'
import { billOfMaterials } from '../../../deploy/sbom.ts'

interface Package {
  version: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const lockfile = JSON.parse(
  readFileSync(new URL(import.meta.resolve('#root/package-lock.json')), 'utf8'),
) as { packages: Record<string, Package> }

const packageAt = (path: string): Package | undefined => lockfile.packages[path]

/** `name@version` of all production dependencies: the lockfile, walked as Node resolves, without peers. */
function walked(): Set<string> {
  const seen = new Set<string>()
  const found = new Set<string>()
  function visit(path: string) {
    if (seen.has(path)) return
    seen.add(path)
    const { dependencies, optionalDependencies } = packageAt(path) as Package
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      let folder = path
      while (packageAt(at(folder, name)) === undefined && folder !== '') {
        folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
      }
      const there = at(folder, name)
      const locked = packageAt(there)
      if (locked === undefined) throw new Error(`${path} depends on ${name}, which the lockfile lacks`)
      found.add(`${name}@${locked.version}`)
      visit(there)
    }
  }
  visit('')
  return found
}

const at = (folder: string, name: string) => `${folder === '' ? '' : `${folder}/`}node_modules/${name}`

const bill = billOfMaterials()

t.test('the bill of materials lists every production dependency and no development dependency', async t => {
  const { components, dependencies, metadata } = bill
  t.equal(metadata.component.name, 'latchkey')
  const named = components.map(({ name, version }) => `${name}@${version}`)
  t.strictSame(named.sort(), [...walked()].sort())
  const { dependencies: direct, devDependencies } = packageAt('') as Package
  for (const [name, version] of Object.entries(direct ?? {})) {
    t.ok(named.includes(`${name}@${version}`), `${name}, which the manifest names`)
  }
  t.ok(Object.keys(devDependencies ?? {}).includes('smtp-server'))
  t.notOk(components.some(({ name }) => name === 'smtp-server'))
  for (const { purl, hashes } of components)
    t.ok(hashes?.length, `${purl} can be told from another by its hash`)
  const refs = new Set([metadata.component, ...components].map(component => component['bom-ref']))
  for (const { ref, dependsOn } of dependencies) {
    t.strictSame(
      [ref, ...dependsOn].filter(other => !refs.has(other)),
      [],
      `${ref} points to components alone`,
    )
  }
})

t.test('the bill of materials is reproducible', async t => {
  t.match(bill.serialNumber, /^urn:uuid:[0-9a-f-]{36}$/)
  t.strictSame(bill, billOfMaterials())
})
