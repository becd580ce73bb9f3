/** Configuration of the service, as far as the pages need it. */
const { dataset } = document.documentElement

export const service = dataset['service'] ?? ''

/** Minimum length of a new password, in code points. */
export const minLength = Number(dataset['minLength'])
