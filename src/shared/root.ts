/** The folder of package.json, as a URL. Modules and the bundle that the build makes of them lie at different depths. */
export const ROOT = new URL('.', import.meta.resolve('#root/package.json'))
