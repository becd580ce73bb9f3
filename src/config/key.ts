/** ES256 keys: which PEM texts are P-256 keys, and which of them are published samples. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** Stands for the key that is derived from JWT_SECRET. */
export const DERIVED = 'derived'

/** The `x` of sample keys: jwt.io's for ES256, and that of RFC 7515, appendix A.3. */
const SAMPLES = new Set([
  'EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84',
  'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
])

/** Whether a text is a P-256 private key in PEM (PKCS #8 or SEC 1), without a passphrase. */
export const isPrivateKey = (pem: string) => isP256(() => createPrivateKey(pem))

/** Whether a text is a P-256 key in PEM, private or public. */
export const isKey = (pem: string) => isP256(() => createPublicKey(pem))

/** Whether a P-256 key is printed in a standard or a tool. */
export const isSampleKey = (pem: string) =>
  SAMPLES.has(createPublicKey(pem).export({ format: 'jwk' }).x as string)

function isP256(read: () => KeyObject): boolean {
  try {
    return read().asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}
