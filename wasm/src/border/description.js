// @ts-check
/** What JavaScript has to know of a reducer, as `description.rs` tells it. */

import { objectOf, readMembers } from "./members.js";

/** The kind of a field that holds any JSON; `description.rs` has the same. */
const JSON_KIND = 10;

/**
 * @typedef {{ name: string, kind: number, nullable: boolean, isKey: boolean, variants: Set<string> }} Field
 *   the variants are those of an enumeration
 * @typedef {{ name: string, names: string[], fields: Field[], id: number, idName: string, make: (fields: Fields, earlier: any) => object }} Collection
 * @typedef {{ places: number[], values: unknown[] }} Fields that change
 * @typedef {{ number: number, names: string[] | null, wanted: number[] | null }} Type of event: the members
 *   that are read, and the fields of a document that are likely to be wanted, all where none are told
 */

/**
 * Reads what is told of a reducer: whether its state has the collections by their names, which these
 * are, and the types of its events, if it does not take all.
 * @param {import("./codec.js").Reader} reader
 */
export function described(reader) {
  const isRoot = reader.byte() === 1;
  const collections = listOf(reader, collectionOf);
  const hasTypes = reader.byte() === 1;
  const all = listOf(reader, (number) => typeOf(reader, number, collections[0]));
  return { isRoot, collections, types: hasTypes ? new Map(all) : undefined };
}

/**
 * @template Item
 * @param {import("./codec.js").Reader} reader
 * @param {(index: number, reader: import("./codec.js").Reader) => Item} item
 */
function listOf(reader, item) {
  return Array.from({ length: reader.count() }, (_, index) => item(index, reader));
}

/**
 * Reads a name as the engine itself has it: any other text of the same characters would be looked up
 * at each access to a member.
 * @param {import("./codec.js").Reader} reader
 */
function nameOf(reader) {
  return Object.keys({ [/** @type {string} */ (reader.value())]: undefined })[0];
}

/**
 * @param {number} _
 * @param {import("./codec.js").Reader} reader
 * @returns {Collection}
 */
function collectionOf(_, reader) {
  const name = nameOf(reader);
  const id = reader.count();
  const fields = listOf(reader, () => ({
    name: nameOf(reader),
    kind: reader.byte(),
    nullable: reader.byte() === 1,
    isKey: reader.byte() === 1,
    variants: new Set(listOf(reader, () => nameOf(reader))),
  }));
  const names = fields.map(({ name }) => name);
  return { name, names, fields, id, idName: names[id], make: makerOf(names) };
}

/**
 * @param {import("./codec.js").Reader} reader
 * @param {number} number
 * @param {Collection} collection of a reducer that has only one
 * @returns {[string, Type]}
 */
function typeOf(reader, number, { fields, id }) {
  const type = nameOf(reader);
  const hasNames = reader.byte() === 1;
  const told = listOf(reader, () => nameOf(reader));
  const names = hasNames ? told : null;
  // Members of JSON are not read field by field.
  const places = [...fields.keys()].filter(
    (field) => field === id || told.includes(fields[field].name),
  );
  const isPlain = places.every((field) => fields[field].kind !== JSON_KIND);
  return [type, { number, names, wanted: hasNames && isPlain ? places : null }];
}

/**
 * Returns a function that makes a document, frozen: of an earlier one it keeps what does not change.
 * @param {string[]} names
 * @returns {(fields: Fields, earlier: any) => object}
 */
export function makerOf(names) {
  return ({ places, values }, earlier) => {
    if (places.length === names.length) return objectOf(names, values);
    const all = new Array(names.length);
    readMembers(earlier, names, all);
    for (let index = 0; index < places.length; index += 1) all[places[index]] = values[index];
    return objectOf(names, all);
  };
}
