import { readFileSync } from 'node:fs'
import { ROOT } from './root.ts'

/** Read, not imported: a compiler that sees a JSON import copies the file into its output. */
const manifest = readFileSync(new URL('package.json', ROOT), 'utf8')

/** The release of latchkey that runs, such as `1.4.0`; package.json has it. */
export const VERSION = (JSON.parse(manifest) as { version: string }).version
