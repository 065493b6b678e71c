-- Checks of what a mocked provider is sent: a field is there, known and of its type, or
-- the sentence of the provider is raised.
--
--   check(body, { model = "string!", stream = "boolean" }, "", words)
--
-- A type with ! is needed; a function checks on its own. `words` are the provider's
-- sentences: unknown, missing, wrong; with %s for the field.

local function kind_of(value)
  if value == orch.json.null then return "null" end
  return math.type(value) == "integer" and "integer" or type(value)
end

local function fits(value, kind)
  local got = kind_of(value)
  return got == kind or got == "null" or got == "integer" and kind == "number"
end

local function fail(status, sentence, ...)
  orch.error { kind = "request", status = status, message = sentence:format(...) }
end

local function check(value, spec, place, words)
  if type(value) ~= "table" then fail(400, words.wrong, place, "object") end
  for name in pairs(value) do
    if spec[name] == nil then fail(400, words.unknown, place .. tostring(name)) end
  end
  for name, kind in pairs(spec) do
    local at = place .. name
    if type(kind) == "function" then
      if value[name] ~= nil then kind(value[name], at) end
    else
      local needed = kind:find "!" ~= nil
      if needed and value[name] == nil then fail(400, words.missing, at) end
      if value[name] ~= nil and not fits(value[name], (kind:gsub("!", ""))) then
        fail(400, words.wrong, at, kind:gsub("!", ""))
      end
    end
  end
  return value
end

return { check = check, fail = fail }
