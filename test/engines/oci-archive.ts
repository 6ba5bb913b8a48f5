/** Writes the image as containerd imports it: an OCI image layout in a tar archive, after the image specification. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param folder which may have archives of other images
 * @param layer the path of the root file system's tar archive
 * @param name with its tag
 * @param command what a container of the image runs
 * @returns the path of the image's archive, below the folder
 */
export function ociArchive(folder: string, layer: string, name: string, command: readonly string[] = ['sh']): string {
  const file = name.replace(/\W/g, '-');
  const layout = join(folder, file);
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });

  function blob(mediaType: string, content: Buffer) {
    const hash = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(layout, 'blobs/sha256', hash), content);
    return { mediaType, digest: `sha256:${hash}`, size: content.length };
  }
  const json = (type: string, value: unknown) =>
    blob(`application/vnd.oci.image.${type}+json`, Buffer.from(JSON.stringify(value)));

  const rootfs = blob('application/vnd.oci.image.layer.v1.tar', readFileSync(layer));
  const config = json('config.v1', {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Env: ['PATH=/bin'], Cmd: command },
    rootfs: { type: 'layers', diff_ids: [rootfs.digest] },
  });
  const manifest = json('manifest.v1', { schemaVersion: 2, config, layers: [rootfs] });
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': 'latest' };
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const archive = join(folder, `${file}.tar`);
  execFileSync('tar', ['--directory', layout, '--create', '--file', archive, '.']);
  return archive;
}
