import assert from 'node:assert/strict';

/**
 * Throws where a text is no well-formed XML 1.0 of the kind that the pictures use: tags nest, attributes are quoted and
 * occur once, every `&` begins a known entity, and no character is outside of what XML allows.
 */
export function assertWellFormed(xml: string): void {
  assert.ok(xml.isWellFormed(), 'lone surrogate');
  const bad = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.exec(xml);
  assert.equal(bad, null, `character U+${bad?.[0].charCodeAt(0).toString(16)} at ${bad?.index}`);
  const open: string[] = [];
  const token =
    /<\?xml [^?]*\?>|<!\[CDATA\[[\s\S]*?\]\]>|<(\/?)([A-Za-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|[^<]+|</g;
  let roots = 0;
  for (const [text, closing, name, attributes = '', empty] of xml.matchAll(token)) {
    assert.notEqual(text, '<', `a stray <, in ${open.join(' > ')}`);
    if (name === undefined) {
      if (text.startsWith('<')) continue;
      assert.ok(!text.includes(']]>'), 'a stray ]]>');
      const entity = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.exec(text);
      assert.equal(entity, null, `a stray & in ${JSON.stringify(text.slice(0, 80))}`);
      if (open.length === 0) assert.equal(text.trim(), '', 'text outside of the root');
      continue;
    }
    const entity = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.exec(attributes);
    assert.equal(entity, null, `a stray & in the attributes of ${name}`);
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map(match => match[1]);
    assert.equal(new Set(names).size, names.length, `an attribute of ${name} occurs twice`);
    if (closing === '/') assert.equal(open.pop(), name);
    else {
      if (open.length === 0) roots++;
      if (empty !== '/') open.push(name);
    }
  }
  assert.deepEqual(open, []);
  assert.equal(roots, 1);
}
