import { readFileSync } from 'node:fs'

/** Read, not imported: a compiler that sees a JSON import copies the file into its output. */
const manifest = readFileSync(new URL(import.meta.resolve('#root/package.json')), 'utf8')

/** The release of latchkey that runs, such as `1.4.0`; package.json has it. */
export const VERSION = (JSON.parse(manifest) as { version: string }).version
