/**
 * Part of the compiler transform: has the collector find the references in an object by a table (`memory/visit-members.ts`),
 * not by code. The compiler makes some eight bytes of code for each field of each class; the table has one for each class, and
 * four for each set of places that references can have.
 */
import { ElementKind } from "assemblyscript";
import { segmentsOf, setSegments } from "./module-data.mjs";

const VISIT = "visitMembers";
const VISIT_FUNCTION = `~lib/@attache/sdk/memory/visit-members/${VISIT}`;
const VISIT_MEMBERS = "~lib/rt/__visit_members";
const HEAP_BASE = "~lib/memory/__heap_base";

const ARRAY = 1 << 30;
const STATIC_ARRAY = 1 << 31;
const WORDS = 30;
const WORD_SIZE = 4;
const MOST_SHAPES = 256;
/** Between the content of an object and the number of its class. */
const CLASS_OFFSET = 8;

/** Bytes of code for a field, and of `visitMembers`. */
const FIELD_CODE = 8;
const OWN_CODE = 120;

/** @param module a whole filter; others are left as they are, one that would grow, and one that has a table already */
export function visitByTable(program, module, binaryen) {
  if (module.getExport(VISIT) === 0) return;
  module.removeExport(VISIT);
  const classes = [...program.managedClasses];
  const shapes = [0];
  /** Classes whose references no shape says: maps, sets and large ones. */
  const others = [];
  const shapeOfClass = classes.map(([id, managed]) => {
    const shape = shapeOf(program, managed);
    if (shape === null) others.push([id, managed]);
    if (!shapes.includes(shape ?? 0)) shapes.push(shape);
    return shapes.indexOf(shape ?? 0);
  });
  const fields = classes.reduce((sum, [, managed]) => sum + ownFields(managed).length, 0);
  if (shapes.length > MOST_SHAPES || fields * FIELD_CODE < shapes.length * WORD_SIZE + OWN_CODE) return;

  const table = new Uint8Array([...shapeOfClass, ...new Uint8Array(Int32Array.from(shapes).buffer)]);
  const start = appendData(module, binaryen, table);
  const [object, cookie] = [0, 1].map((index) => () => module.local.get(index, binaryen.i32));
  const addresses = [start, start + shapeOfClass.length].map((address) => module.i32.const(address));
  const statements = [module.call(VISIT_FUNCTION, [object(), cookie(), ...addresses], binaryen.none)];
  for (const [id, managed] of others) {
    const found = module.i32.load(0, 4, module.i32.sub(object(), module.i32.const(CLASS_OFFSET)));
    const visit = module.call(`${managed.internalName}~visit`, [object(), cookie()], binaryen.none);
    statements.push(module.if(module.i32.eq(found, module.i32.const(id)), visit));
  }
  binaryen.Function.setBody(module.getFunction(VISIT_MEMBERS), module.block(null, statements));
}

/** Where objects of a class hold references: a bit for each word, and whether elements follow; `null` when that does not say it. */
function shapeOf(program, managed) {
  if (managed.isPointerfree) return 0;
  let shape = 0;
  for (let current = managed; current; current = current.base) {
    const own =
      current.isDeclaredInLibrary && current.getMember("__visit")
        ? libraryShape(program, current)
        : fieldShape(current);
    if (own === null) return null;
    shape |= own;
  }
  return shape;
}

function fieldShape(managed) {
  let shape = 0;
  for (const { memoryOffset } of ownFields(managed)) {
    const word = memoryOffset / WORD_SIZE;
    if (word >= WORDS) return null;
    shape |= 1 << word;
  }
  return shape;
}

/** Of a class of the library that visits its references itself. */
function libraryShape(program, managed) {
  const holdsReferences = managed.typeArguments?.[0]?.isManaged ?? false;
  if (managed.prototype === program.arrayPrototype) return (holdsReferences ? ARRAY : 0) | fieldShape(managed);
  if (managed.prototype === program.staticArrayPrototype) return holdsReferences ? STATIC_ARRAY : 0;
  if (managed.prototype === program.functionPrototype)
    return 1 << (managed.getMember("_env").instance.memoryOffset / WORD_SIZE);
  return null;
}

/** The fields of a class, without those of its base, that hold references. */
function ownFields(managed) {
  return [...(managed.members?.values() ?? [])]
    .filter(({ kind }) => kind === ElementKind.PropertyPrototype)
    .map(({ instance }) => instance)
    .filter((field) => field?.isField && field.getBoundClassOrInterface() === managed && field.type.isManaged);
}

/** Puts bytes between the module's data and its heap, and says where. */
function appendData(module, binaryen, data) {
  const { value: start } = binaryen.getExpressionInfo(binaryen.getGlobalInfo(module.getGlobal(HEAP_BASE)).init);
  const heapBase = (start + data.length + 15) & -16;
  setSegments(module, [...segmentsOf(module), { offset: start, data, passive: false }]);
  module.removeGlobal(HEAP_BASE);
  module.addGlobal(HEAP_BASE, binaryen.i32, false, module.i32.const(heapBase));
  return start;
}
