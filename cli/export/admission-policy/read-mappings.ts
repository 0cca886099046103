import type { Mapping } from '../../../core/mapping/record.ts';
import { apiAddress } from '../../api/address.ts';
import { DrayageApi } from '../../api/client.ts';
import { openMappingFile } from '../../mapping/find-mappings.ts';
import { MappingList } from '../../mapping/look-up.ts';
import { mappingsOf } from '../mappings.ts';
import type { AdmissionPolicyFlags } from './flags.ts';

type Source = Pick<AdmissionPolicyFlags, 'api' | 'token' | 'mapping' | 'region'>;

/** So many mappings say where the mirror is. */
const someCount = 100;

/** All mappings of `--mapping` or else of the API, with what the region's mirror has. */
export async function allMappings(source: Source): Promise<Mapping[]> {
  const mappings = await mappingsOf(source);
  const list = new MappingList(mappings, source.region);
  return mappings.map(({ image }) => list.find(image)).filter((mapping) => mapping !== undefined);
}

/** As many mappings as say where the mirror is, if any do. */
export async function someMappings(source: Source): Promise<readonly Mapping[]> {
  if (source.mapping !== undefined) return openMappingFile(source.mapping, undefined).mappings;
  return (await new DrayageApi(apiAddress(source)).mappings({ limit: someCount })).mappings;
}
