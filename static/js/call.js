// Sends the call that the portal has put together (data-call), from this browser and without cookies, and shows what comes back.
const place = document.querySelector('[data-call]');
const at = name => place.querySelector(`[data-${name}]`);
const show = (name, text) => { at(name).textContent = text; at(name).hidden = !text; };
const MOST = 200_000;
const call = JSON.parse(place.dataset.call);
place.removeAttribute('data-call');
const began = performance.now();
try {
  const answer = await fetch(call.url, {
    method: call.method, headers: call.headers, body: call.body ?? undefined,
    credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store', signal: AbortSignal.timeout(20_000),
  });
  const bytes = await answer.arrayBuffer();
  show('took', `${Math.round(performance.now() - began)} ms, ${bytes.byteLength.toLocaleString()} bytes`);
  show('status', `${answer.status} ${answer.statusText}`);
  at('status').className = `badge ${answer.ok ? 'good' : answer.status < 400 ? 'info' : 'bad'}`;
  let text = '', remark = bytes.byteLength ? '' : 'The answer has no body.';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (/json/.test(answer.headers.get('content-type'))) text = JSON.stringify(JSON.parse(text), null, 2);
  } catch { if (!text) remark = 'The body is not text, so it is not shown.'; }
  if (text.length > MOST) remark = 'The rest of the body is not shown.';
  show('body', text.slice(0, MOST));
  show('remark', remark);
  const list = at('headers').querySelector('dl');
  for (const [name, value] of answer.headers) {
    const row = document.createElement('div');
    for (const [tag, words] of [['dt', name], ['dd', value]]) row.append(Object.assign(document.createElement(tag), { textContent: words }));
    list.append(row);
  }
  at('headers').hidden = false;
} catch (error) {
  show('status', 'No answer');
  at('status').className = 'badge bad';
  show('remark', error.name === 'TimeoutError' ? 'The API did not answer within 20 seconds.'
    : `The browser could not make this call: the API cannot be reached from here, or does not allow calls from this site (CORS). ${error.message}`);
}
