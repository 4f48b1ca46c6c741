import { expect, test } from "vitest";
import type { Files } from "../../firmware/ports/files.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const FOLDER = 0o755;

/** What every file system promises; `open` gives it with an empty folder that belongs to the test. */
export function filesContract(
  name: string,
  open: () => Promise<{ readonly files: Files; readonly folder: string }>,
): void {
  test(`${name}: nothing is where nothing was written`, async () => {
    const { files, folder } = await open();

    expect(await files.info(`${folder}/a`)).toBeNull();
    expect(await files.list(`${folder}/a`)).toEqual([]);
    await expect(files.read(`${folder}/a`, 10)).rejects.toMatchObject({ code: "not_found", status: 404 });
    await files.remove(`${folder}/a`);
  });

  test.each([0o600, 0o644, 0o666])(`${name}: a file has the mode %o it was written with`, async (mode) => {
    const { files, folder } = await open();

    await files.writeAtomic(`${folder}/a`, bytes("text"), mode);

    expect(await files.info(`${folder}/a`)).toEqual({ kind: "file", size: 4, mode, ownedByMe: true });
    expect(await files.read(`${folder}/a`, 4)).toEqual(bytes("text"));
  });

  test(`${name}: a file is replaced whole, its mode too, and nothing is left beside it`, async () => {
    const { files, folder } = await open();
    await files.writeAtomic(`${folder}/a`, bytes("long text"), 0o600);
    await files.writeAtomic(`${folder}/a.new`, bytes("left by a cut"), 0o600);

    await files.writeAtomic(`${folder}/a`, bytes("text"), 0o644);

    expect(await files.read(`${folder}/a`, 100)).toEqual(bytes("text"));
    expect(await files.info(`${folder}/a`)).toMatchObject({ mode: 0o644 });
    expect(await files.list(folder)).toEqual(["a"]);
  });

  test(`${name}: bytes are copied on the way in and out`, async () => {
    const { files, folder } = await open();
    const written = Buffer.from("abc");
    await files.writeAtomic(`${folder}/a`, written, 0o600);
    written[0] = 0;
    const first = await files.read(`${folder}/a`, 3);
    first[1] = 0;

    expect(await files.read(`${folder}/a`, 3)).toEqual(bytes("abc"));
  });

  test(`${name}: an empty file is not an absent one`, async () => {
    const { files, folder } = await open();

    await files.writeAtomic(`${folder}/a`, new Uint8Array(), 0o600);

    expect(await files.read(`${folder}/a`, 0)).toEqual(new Uint8Array());
    expect(await files.info(`${folder}/a`)).toMatchObject({ kind: "file", size: 0 });
  });

  test(`${name}: a file above the limit is not read`, async () => {
    const { files, folder } = await open();
    await files.writeAtomic(`${folder}/a`, bytes("text"), 0o600);

    await expect(files.read(`${folder}/a`, 3)).rejects.toMatchObject({ code: "too_large", status: 422 });
  });

  test(`${name}: a folder is made with its parents, and made again without harm`, async () => {
    const { files, folder } = await open();

    await files.makeDirectory(`${folder}/a/b`, 0o700);
    await files.writeAtomic(`${folder}/a/b/c`, bytes("1"), 0o600);
    await files.makeDirectory(`${folder}/a/b`, FOLDER);

    expect(await files.info(`${folder}/a`)).toMatchObject({ kind: "directory", mode: 0o700 });
    expect(await files.info(`${folder}/a/b`)).toMatchObject({
      kind: "directory",
      mode: 0o700,
      ownedByMe: true,
    });
    expect(await files.list(`${folder}/a/b`)).toEqual(["c"]);
  });

  test(`${name}: names come in byte order`, async () => {
    const { files, folder } = await open();
    for (const each of ["b", "é", "a", "~", "B", "aa"])
      await files.writeAtomic(`${folder}/${each}`, bytes(each), 0o600);
    await files.makeDirectory(`${folder}/a-folder`, FOLDER);

    expect(await files.list(folder)).toEqual(["B", "a", "a-folder", "aa", "b", "~", "é"]);
  });

  test(`${name}: a folder is removed with all that is in it`, async () => {
    const { files, folder } = await open();
    await files.makeDirectory(`${folder}/a/b/c`, FOLDER);
    await files.writeAtomic(`${folder}/a/b/x`, bytes("1"), 0o600);
    await files.writeAtomic(`${folder}/keep`, bytes("2"), 0o600);

    await files.remove(`${folder}/a`);

    expect(await files.list(folder)).toEqual(["keep"]);
  });

  test(`${name}: paths are read as the system reads them`, async () => {
    const { files, folder } = await open();
    await files.makeDirectory(`${folder}/a`, FOLDER);

    await files.writeAtomic(`${folder}//a/../a/./x`, bytes("1"), 0o600);

    expect(await files.list(`${folder}/a/`)).toEqual(["x"]);
  });

  test(`${name}: the wrong kind of thing is refused in the system's own words`, async () => {
    const { files, folder } = await open();
    await files.writeAtomic(`${folder}/file`, bytes("1"), 0o600);
    await files.makeDirectory(`${folder}/folder`, FOLDER);
    await files.makeDirectory(`${folder}/beside.new`, FOLDER);
    const write = (path: string) => files.writeAtomic(`${folder}/${path}`, bytes("2"), 0o600);

    await expect(write("absent/x")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(write("file/x")).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(write("folder")).rejects.toMatchObject({ code: "EISDIR" });
    await expect(write("beside")).rejects.toMatchObject({ code: "ERR_FS_EISDIR" });
    await expect(files.read(`${folder}/folder`, 100_000)).rejects.toMatchObject({ code: "EISDIR" });
    await expect(files.read(`${folder}/file/x`, 10)).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(files.info(`${folder}/file/x`)).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(files.list(`${folder}/file`)).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(files.makeDirectory(`${folder}/file`, FOLDER)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(files.makeDirectory(`${folder}/file/x`, FOLDER)).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(files.remove(`${folder}/file/x`)).rejects.toMatchObject({ code: "ENOTDIR" });
    expect(await files.read(`${folder}/file`, 10)).toEqual(bytes("1"));
  });
}
