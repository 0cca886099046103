/** Where the server stands in a cluster. */
export const namespace = 'drayage';
/** Of its Deployment, Service and ServiceAccount. */
export const serverName = 'drayage-admission';
/** The Secret with its certificate. */
export const tlsSecret = 'drayage-admission-tls';
/** The name that its certificate is for. */
export const serverHost = `${serverName}.${namespace}.svc`;

export const labels = { 'app.kubernetes.io/name': serverName, 'app.kubernetes.io/part-of': 'drayage' };
