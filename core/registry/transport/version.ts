/**
 * The package's version, which every request names. A constant, since the functions' bundles hold
 * no package.json; a test holds it equal.
 */
export const drayageVersion = '0.1.0';
