/**
 * The files of the pages, read once at the start: reads per request would wait behind hashes in libuv's pool, and no
 * name from a request reaches the file system.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type FixedDocument, fixedDocument } from '../../src/http/fixed-document.ts'
import { LANGUAGES } from '../../src/messages/messages.ts'
import { ROOT } from '../../src/shared/root.ts'

/** All files of the pages, and their version. */
export interface StaticFiles {
  /** Changes with any of them, so files below it are immutable. */
  version: string
  find(name: string): FixedDocument | undefined
  /** A module and everything that it imports, for the browser to fetch in parallel; without `.js`. */
  importsOf(entry: string): string[]
}

const TYPES: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

/** Folder of the compiled scripts, with the style sheet and images beside them. */
const BUILT = [new URL('dist/web/', ROOT), new URL('dist/web/browser/', ROOT)]

/**
 * Reads the files of the pages: modules, style sheet, images, and the texts of each language.
 *
 * @throws Error if the pages were not built
 */
export function readFiles(): StaticFiles {
  const files = new Map<string, FixedDocument>()
  for (const folder of BUILT) {
    for (const name of listBuilt(folder)) files.set(name, fileOf(name, readFileSync(new URL(name, folder))))
  }
  for (const language of LANGUAGES) {
    const compiled = readFileSync(new URL(`dist/web/words/${language}/browser.js`, ROOT))
    files.set(`words/${language}.js`, fileOf('browser.js', compiled))
  }
  const version = createHash('sha256')
  for (const [name, { etag }] of files) version.update(`${name}\n${etag}\n`)
  return {
    version: version.digest('hex').slice(0, 12),
    find: name => files.get(name),
    importsOf: entry => importsOf(files, `${entry}.js`),
  }
}

function fileOf(name: string, bytes: Buffer): FixedDocument {
  const extension = name.slice(name.lastIndexOf('.') + 1)
  // Source maps are not served, so browsers should not look for them.
  const body = extension === 'js' ? bytes.toString().replace(/^\/\/# sourceMappingURL=.*\n?/m, '') : bytes
  return fixedDocument(body, TYPES[extension] as string, { compress: true })
}

function listBuilt(folder: URL): string[] {
  const names = readdirSync(folder, { withFileTypes: true })
  return names
    .filter(entry => entry.isFile() && /\.(js|css|svg)$/.test(entry.name))
    .map(entry => entry.name)
    .sort()
}

function importsOf(files: Map<string, FixedDocument>, entry: string, seen = new Set<string>()): string[] {
  if (seen.has(entry)) return []
  seen.add(entry)
  const source = files.get(entry)?.body.toString() ?? ''
  for (const [, name] of source.matchAll(/^(?:import|export) [^'"\n]*['"]\.\/([\w-]+\.js)['"]/gm)) {
    importsOf(files, name as string, seen)
  }
  return [...seen]
}
