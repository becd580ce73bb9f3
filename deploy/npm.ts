/** How npm is called: the one that runs this script, or else the one in the path. */
export function npm(...args: string[]): [program: string, ...args: string[]] {
  const path = process.env['npm_execpath']
  return path?.endsWith('.js') ? [process.execPath, path, ...args] : ['npm', ...args]
}
