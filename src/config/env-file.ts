/** Reads text files of settings: `.env`, and the files that `*_FILE` variables name. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

/**
 * Reads a text file in UTF-8, with or without a byte order mark, or in UTF-16 with one (as Notepad and PowerShell write).
 *
 * @returns the text with `\n` as its line end
 * @throws Error for any other encoding, and what the file system says
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
  // UTF-16 without its mark reads as letters with NUL between them.
  if (text.includes('\0')) throw new Error(`${path} is not text in UTF-8 (UTF-16 needs a byte order mark)`)
  // A file that was put together of several has the mark of each, before the name of a variable.
  return text.replace(/\r\n?/g, '\n').replace(/^\ufeff+/gm, '')
}

function encodingOf(bytes: Buffer): string {
  const mark = bytes.readUInt16BE(0)
  return mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8'
}

/** Blanks before a line's end or a comment: Node 20's parser then takes the line for a part of the next name. */
const INDENTED = /^[^\S\n]+(?=\n|#|$)/gm

/**
 * Adds the variables of a `.env` file to the process's environment. What is set already stays.
 *
 * @param path a file that may be missing
 * @throws Error when the file is there and cannot be read whole
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
