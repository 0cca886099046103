/**
 * The package's version, which every request names. It is a constant, since the functions' bundles
 * contain no package.json; a test checks that it is the same.
 */
export const drayageVersion = '0.1.0';
