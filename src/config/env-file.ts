/** Reads text files of settings: `.env` and the files that `*_FILE` variables name. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

/**
 * Reads a text file in UTF-8, or in UTF-16 with a byte order mark (as Notepad and PowerShell write it).
 * @throws Error for another encoding, or if the file cannot be read
 */
export function readText(path: string): string {
  const bytes = readFileSync(path)
  const encoding = bytes.length < 2 ? 'utf-8' : encodingOf(bytes)
  let text: string
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new Error(`${path} is neither UTF-8 nor UTF-16 with a byte order mark`)
  }
  // UTF-16 without a byte order mark decodes to letters with NUL between them.
  if (text.includes('\0')) throw new Error(`${path} is not text in UTF-8 (UTF-16 needs a byte order mark)`)
  // A file joined from several has a byte order mark in front of some variables.
  return text.replace(/\r\n?/g, '\n').replace(/^\ufeff+/gm, '')
}

function encodingOf(bytes: Buffer): string {
  const mark = bytes.readUInt16BE(0)
  return mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8'
}

/** Node 20's parser appends leading blanks of an empty or comment line to the next name. */
const INDENTED = /^[^\S\n]+(?=\n|#|$)/gm

/**
 * Adds the variables of a `.env` file, if there is one, to the environment of the process. Overrides none.
 * @throws Error if the file exists and cannot be read
 */
export function loadEnvFile(path: string): void {
  let text: string
  try {
    text = readText(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  for (const [name, value] of Object.entries(parseEnv(text.replace(INDENTED, ''))))
    process.env[name] ??= value
}
