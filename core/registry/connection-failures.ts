/** What errors of Node and undici tell of a connection, where they tell it. */
interface ConnectionError extends Error {
  hostname?: string;
  address?: string;
  port?: number;
  /** Of an AggregateError: the failures of a name's addresses. */
  errors?: ConnectionError[];
  cert?: { subjectaltname?: string };
}

/** The names of a certificate are its owner's text: some of them, and not too much. */
const longestNames = 200;

/**
 * Why a connection failed, in words for people who do not know the codes of Node and undici.
 *
 * @param code the failure's code: https://nodejs.org/api/errors.html, https://nodejs.org/api/tls.html#x509-certificate-error-codes
 * @returns undefined where the error's own message says it as well
 */
export function connectionFailure(error: unknown, code: string): string | undefined {
  const told = (error ?? {}) as ConnectionError;
  switch (code) {
    case 'ENOTFOUND':
      return `the name ${told.hostname ?? ''} is not known`.replace('  ', ' ');
    case 'EAI_AGAIN':
      return `no name server answers for ${told.hostname ?? 'its name'}`;
    case 'ECONNREFUSED':
      return `nobody listens at ${placesOf(told) ?? 'its port'}`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `no way leads to ${placesOf(told) ?? 'its address'}`;
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'no connection came about in time';
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'it did not begin to answer in time';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return 'the other side closed the connection';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'its certificate signed itself, and is not known here';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'its certificate is of an authority that is not known here';
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired';
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is for other names: ${told.cert?.subjectaltname?.slice(0, longestNames) || 'none'}`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'what answers there does not speak TLS';
    default:
      return undefined;
  }
}

/** The addresses that were tried. */
function placesOf({ address, port, errors = [] }: ConnectionError): string | undefined {
  const places = [{ address, port }, ...errors].flatMap((place) =>
    place.address === undefined
      ? []
      : [`${place.address.includes(':') ? `[${place.address}]` : place.address}:${place.port}`],
  );
  return places.length === 0 ? undefined : [...new Set(places)].join(' and ');
}
