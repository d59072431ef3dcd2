// The list of moments: the line of JSON, and the levels of the pictures.
const unpack = (head, buffer) => ({ ...head, pictures: new Uint8Array(buffer) });
