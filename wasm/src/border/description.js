// @ts-check
/** What JavaScript has to know of a reducer, as `description.rs` tells it. */

/** The kind of a field that holds any JSON; `description.rs` has the same. */
const JSON_KIND = 8;

/**
 * @typedef {{ name: string, kind: number, nullable: boolean, isKey: boolean }} Field
 * @typedef {{ name: string, names: string[], fields: Field[], id: number, idName: string, make: (fields: Fields, earlier: any) => object }} Collection
 * @typedef {{ places: number[], values: unknown[] }} Fields that change
 * @typedef {{ number: number, names: string[] | null, wanted: number[] | null }} Type of event: the members
 *   that are read, and the fields of a document that are likely to be wanted, all where none are told
 */

/**
 * @param {[string, number, [string, number, number, number][]]} description
 * @returns {Collection}
 */
export function collectionOf([name, id, described]) {
  const fields = described.map(([name, kind, nullable, isKey]) => {
    return { name, kind, nullable: nullable === 1, isKey: isKey === 1 };
  });
  const names = fields.map(({ name }) => name);
  return { name, names, fields, id, idName: names[id], make: makerOf(names) };
}

/**
 * @param {[string, string[] | null][]} types
 * @param {Collection[]} collections
 * @returns {Map<string, Type>}
 */
export function typesOf(types, collections) {
  return new Map(
    types.map(([type, names], number) => {
      // Members of JSON are not read field by field.
      const [{ fields, id }] = collections;
      const places = [...fields.keys()].filter(
        (field) => field === id || names?.includes(fields[field].name),
      );
      const isPlain = places.every((field) => fields[field].kind !== JSON_KIND);
      return [type, { number, names, wanted: names !== null && isPlain ? places : null }];
    }),
  );
}

/**
 * Returns a function that makes a document, frozen: of an earlier one it keeps what does not change.
 * @param {string[]} names
 * @returns {(fields: Fields, earlier: any) => object}
 */
export function makerOf(names) {
  return ({ places, values }, earlier) => {
    /** @type {any} */
    const document = {};
    let next = 0;
    for (let index = 0; index < names.length; index += 1) {
      const name = names[index];
      if (places[next] === index) {
        document[name] = values[next];
        next += 1;
      } else {
        document[name] = earlier[name];
      }
    }
    return Object.freeze(document);
  };
}
