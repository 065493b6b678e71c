--- A page in a real browser without a screen (Debian's chromium), for tests of pages.
---
---     local seen = browser.look(page, [[ return { title: document.title } ]])
---     seen.result.title;  seen.console      -- what the page's scripts complained about
---
--- The code runs in a copy of the page, whose policy then allows the code as well. It is
--- the body of an async function: `await sleep(ms)` lets the page work (in virtual time).

local fs, hash, json, process = orch.fs, orch.hash, orch.json, orch.process

local browser = {}

---@return boolean
function browser.there() return process.which "chromium" ~= nil end

local FRAME = [[
(async () => {
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const $ = (selector) => document.querySelector(selector);
  const $$ = (selector) => [...document.querySelectorAll(selector)];
  const key = (key, target = document.body) => target.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  const type = (input, text) => {
    input.focus();
    input.value = text;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const violations = [];
  addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));
  let result;
  try { result = await (async () => {%s})(); }
  catch (error) { result = { raised: String(error.stack) }; }
  const text = JSON.stringify(result === undefined ? null : result);
  document.documentElement.innerHTML = '<body><pre id="result"></pre></body>';
  document.getElementById('result').textContent = encodeURIComponent(text);
})();
]]

local function with_code(page, code)
  local script = FRAME:gsub("%%s", function() return code end)
  local digest = hash.base64(hash.unhex(hash.sha256(script)))
  local allowed, n = page:gsub("script%-src ", function(s)
    return s .. "'sha256-" .. digest .. "' "
  end, 1)
  if n ~= 1 then error "the page has no policy for scripts" end
  return (allowed:gsub("</body>%s*</html>%s*$", function(s)
    return "<script>" .. script .. "</script>" .. s
  end))
end

local function decode(text)
  text = text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  return json.decode(text)
end

---@async
---@param page string the HTML
---@param code string JavaScript
---@param opts? {arguments: string[]?, address: string?, window: string?}
---@return {result: any, console: string[]}
function browser.look(page, code, opts)
  opts = opts or {}
  local folder = fs.temp_dir()
  local _ <close> = orch.defer(function() fs.remove(folder, { recursive = true }) end)
  fs.write(folder .. "/page.html", with_code(page, code))
  local command = {
    "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--user-data-dir=" .. folder .. "/profile",
    "--window-size=" .. (opts.window or "1280,900"), "--virtual-time-budget=20000",
    "--enable-logging=stderr", "--dump-dom", env = { HOME = folder }, timeout = "1m",
  }
  for _, argument in ipairs(opts.arguments or {}) do command[#command + 1] = argument end
  command[#command + 1] = "file://" .. folder .. "/page.html" .. (opts.address or "")
  local done = process.run(command)
  local found = { console = {} }
  for line in done.stderr:gmatch "[^\n]+" do
    if line:find "CONSOLE" then found.console[#found.console + 1] = line end
  end
  local text = done.stdout:match '<pre id="result">(.-)</pre>'
  if not text then error("the page has no result: " .. done.stderr:sub(-2000)) end
  found.result = decode(text)
  if type(found.result) == "table" and found.result.raised then error(found.result.raised) end
  return found
end

---The text of a page where scripts are off.
---@async
---@param page string
---@return string text
function browser.without_scripts(page)
  local folder = fs.temp_dir()
  local _ <close> = orch.defer(function() fs.remove(folder, { recursive = true }) end)
  fs.write(folder .. "/page.html", page)
  fs.write(folder .. "/frame.html", "<iframe sandbox='allow-same-origin' src='page.html' "
    .. "onload='document.body.textContent = this.contentDocument.body.innerText'></iframe>")
  return process.run({
    "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-dev-shm-usage", "--allow-file-access-from-files",
    "--user-data-dir=" .. folder .. "/profile", "--virtual-time-budget=5000", "--dump-dom",
    "file://" .. folder .. "/frame.html", env = { HOME = folder }, timeout = "1m",
  }).stdout
end

return browser
