/**
 * The annotation of a Pod with the upstream's reference of a container: this, and the container's
 * name. Admission policy and webhook write it, and `drayage discover` reads it.
 */
export const originalImagePrefix = 'original-image.drayage.dev/';
