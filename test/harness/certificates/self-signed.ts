import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'

/** A certificate that is its own authority, and its key, both PEM. */
export interface Certificate {
  key: string
  cert: string
}

export interface CertificateOptions {
  /** Replaces `localhost` and 127.0.0.1. */
  name?: string
  /** Days until it expires, 1 by default; negative if it has expired. */
  days?: number
}

/**
 * Creates a throwaway certificate: X.509 v3 (RFC 5280) over an EC P-256 key, valid for days before its end. Node
 * generates keys but no certificates, so the DER is written here; no key is in the repository and none expires.
 */
export function selfSignedCertificate({ name: host, days = 1 }: CertificateOptions = {}): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const day = 86_400_000
  const signatureAlgorithm = sequence(oid('2a8648ce3d040302')) // ecdsa-with-SHA256
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(host ?? 'localhost')))))
  const subjectAltName = sequence(
    der(0x82, Buffer.from(host ?? 'localhost')), // dNSName
    ...(host === undefined ? [der(0x87, Buffer.from([127, 0, 0, 1]))] : []), // iPAddress
  )
  const basicConstraints = sequence(der(0x01, Buffer.from([0xff]))) // cA TRUE
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])), // serial number, positive
    signatureAlgorithm,
    name,
    sequence(utcTime(Date.now() + (days - 3) * day), utcTime(Date.now() + days * day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(oid('551d11'), der(0x04, subjectAltName)),
        sequence(oid('551d13'), der(0x01, Buffer.from([0xff])), der(0x04, basicConstraints)),
      ),
    ),
  )
  const signature = createSign('sha256').update(tbs).sign(privateKey)
  const certificate = sequence(
    tbs,
    signatureAlgorithm,
    der(0x03, Buffer.concat([Buffer.from([0]), signature])),
  )
  const base64 = certificate.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  }
}

function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

function sequence(...content: Buffer[]): Buffer {
  return der(0x30, ...content)
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

/** YYMMDDHHMMSSZ, which is enough until 2049. */
function utcTime(at: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`))
}
