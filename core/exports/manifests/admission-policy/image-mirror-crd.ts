/** The kind of objects that the policy reads: what {@link imagemirror} prints. */
export const imageMirrorDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'imagemirrors.drayage.dev' },
  spec: {
    group: 'drayage.dev',
    scope: 'Cluster',
    names: { kind: 'ImageMirror', plural: 'imagemirrors', singular: 'imagemirror' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['repositories'],
                properties: {
                  repositories: {
                    description:
                      'Upstream repository (docker.io/library/nginx): the mirror’s repository, and tag=digest of each image, each followed by a comma',
                    type: 'object',
                    // An object without images would be a failed export.
                    minProperties: 1,
                    'x-kubernetes-map-type': 'atomic',
                    additionalProperties: {
                      type: 'string',
                      pattern: '^[^,@=]+,([^,@=]+=sha256:[a-f0-9]{64},)*$',
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};
