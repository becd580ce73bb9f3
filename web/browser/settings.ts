/** What the service's configuration says, as far as the pages need it. */
const { dataset } = document.documentElement

export const service = dataset['service'] ?? ''

/** Least length of a new password, in code points. */
export const minLength = Number(dataset['minLength'])
