import type { ExportFormat } from '../export.ts';
import { commentOf, yamlText } from '../quote.ts';
import { type MirroredRepository, repositoriesOf } from '../repositories.ts';

const head = commentOf(`
Mirrors for the nodes of OpenShift, from 4.13 on. Made by: drayage export openshift

How to use it: oc apply -f FILE. Export it again when repositories are added. New and moved tags need nothing.
https://docs.redhat.com/en/documentation/openshift_container_platform/4.17/html/config_apis/imagedigestmirrorset-config-openshift-io-v1

What it does: references keep their names, and images of these repositories are pulled from the mirror: by digest with the
first object, by tag with the second. If the mirror doesn't have an image, or can't be reached, it comes from the upstream; change
mirrorSourcePolicy to NeverContactSource to forbid that.

What it can't do:
- The Machine Config Operator writes this to /etc/containers/registries.conf on every node, and may drain and restart nodes
  to apply it. So apply it only when repositories change, not every minute.
- It works by repository, never by tag. A tag is pulled as it stands in the mirror at that moment. Leave out
  the ImageTagMirrorSet if only digests should come from the mirror.
- Some versions refuse mirror sets beside an older ImageContentSourcePolicy: convert that with oc adm migrate icsp

Logins: images keep the upstream's name, so the kubelet's credential provider is not asked for the mirror. The mirror's login
belongs in the global pull secret (oc set data secret/pull-secret -n openshift-config), and Amazon ECR's lasts
twelve hours: renew it with a CronJob.`);

/** The kinds, with the field that has the mirrors. */
const kinds = [
  ['ImageDigestMirrorSet', 'imageDigestMirrors'],
  ['ImageTagMirrorSet', 'imageTagMirrors'],
] as const;

/** ImageDigestMirrorSet and ImageTagMirrorSet, by repository. */
export const openshift: ExportFormat = {
  name: 'openshift',
  contentType: 'application/yaml',
  async *render(mappings) {
    yield head;
    const repositories = await repositoriesOf(mappings);
    for (const [kind, field] of kinds) {
      yield `---
apiVersion: config.openshift.io/v1
kind: ${kind}
metadata:
  name: drayage
spec:
`;
      if (repositories.length === 0) yield `  ${field}: [] # nothing is mirrored yet\n`;
      else yield `  ${field}:\n`;
      for (const repository of repositories) yield itemOf(repository);
    }
  },
};

function itemOf({ registry, repository, mirrors }: MirroredRepository): string {
  return `  - source: ${yamlText(`${registry}/${repository}`)}
    mirrorSourcePolicy: AllowContactingSource
    mirrors:
${mirrors.map((mirror) => `    - ${yamlText(mirror)}\n`).join('')}`;
}
