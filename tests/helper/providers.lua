-- Providers for tests of what is built on them: they answer after a time of the clock, in
-- the way that they are told to.
--
--   local slow = providers.answering("slow", 3, "text")
--   expect(slow.calls):equals(1)

local providers = {}

local function new(name, fn)
  local provider = { name = name, model = name .. "-1", calls = 0, live = 0, options = {} }
  function provider:chat(prompt, opts)
    self.calls = self.calls + 1
    self.live = self.live + 1
    self.options[self.calls], self.prompt = opts, prompt
    local _ <close> = orch.defer(function() self.live = self.live - 1 end)
    return fn(self, prompt, opts)
  end
  return provider
end

---An answer in the shape of all providers.
function providers.response(name, text, tokens)
  return { text = text, provider = name, model = name .. "-1", elapsed = 99,
    usage = { input_tokens = tokens or 10, output_tokens = tokens or 10 }, finish_reason = "stop",
    raw = {} }
end

---Answers after so many seconds.
function providers.answering(name, seconds, text, tokens)
  return new(name, function(self, prompt)
    orch.sleep(seconds)
    return providers.response(name, text or name .. ": " .. tostring(prompt), tokens)
  end)
end

---Fails after so many seconds, with the fields of an Error.
function providers.failing(name, seconds, fields)
  return new(name, function()
    orch.sleep(seconds)
    local copy = { kind = "network", message = name .. " is down" }
    for key, value in pairs(fields or {}) do copy[key] = value end
    orch.error(copy)
  end)
end

---Calls `fn(self, prompt, opts)`.
providers.new = new

---Streams its pieces, each after so many seconds; an Error's fields among them break it off.
function providers.streaming(name, seconds, pieces)
  local provider = { name = name, model = name .. "-1", opened = 0, closed = 0 }
  function provider:stream()
    self.opened = self.opened + 1
    local i, source = 0, {}
    local function close()
      if source.closed then return end
      source.closed = true
      self.closed = self.closed + 1
    end
    return setmetatable(source, {
      __close = close,
      __call = function()
        if source.closed then return nil end
        i = i + 1
        orch.sleep(seconds)
        if type(pieces[i]) == "table" then orch.error(pieces[i]) end
        if pieces[i] == nil then
          source.response = providers.response(name, table.concat(pieces))
          close()
        end
        return pieces[i]
      end,
    })
  end
  function provider:chat() -- luacheck: ignore
    error "nobody should chat here"
  end
  return provider
end

return providers
