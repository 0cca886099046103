/** For use in your own CDK app: the mirror as a construct, or as a stack. */
export type { AwsEndpointName } from '../core/config/aws-endpoint-names.ts';
export type { Config } from '../core/config/config.ts';
export { InvalidConfigError, loadConfig } from '../core/mirror-yaml/load.ts';
export { type ConfigError, parseConfig } from '../core/mirror-yaml/parse.ts';
export type { ExistingSecrets } from './deployment-secrets.ts';
export { ImageMirror } from './image-mirror.ts';
export { type ImageMirrorProps, InvalidImageMirrorPropsError } from './image-mirror-props.ts';
export { ImageMirrorStack, type ImageMirrorStackProps } from './image-mirror-stack.ts';
export type { ApiThrottle } from './mirror-api.ts';
export type { ExistingQueue } from './mirror-queue.ts';
export type { NetworkProps } from './network-props.ts';
