-- What the mocks of three_roles.lua say.
local unit = tonumber(os.getenv "MOCK_SECONDS") or 1

local said = {
  ["Who goes there?"] = "The wind, sir, and it has no papers either.",
  ["Open the gate!"] = "The gate opens at dawn, or for cheese.",
  ["I am the king."] = "Then you will know the way round the back.",
  ["Look, a dragon!"] = "That is the bishop, mind your tongue.",
}

local german = {
  ["The wind"] = "Der Wind, Herr, und auch er hat keine Papiere.",
  ["The gate"] = "Das Tor öffnet bei Tagesanbruch, oder für Käse.",
  ["Then you"] = "Dann kennt Ihr ja den Weg hintenherum.",
  ["That is "] = "Das ist der Bischof, hütet Eure Zunge.",
}

return {
  anthropic = { delay = 0.3 * unit, text = function(ask) return said[ask.prompt] end },
  openai = { delay = 0.2 * unit, text = function(ask)
    return orch.json.encode { ok = not ask.prompt:find "bishop" }
  end },
  gemini = { delay = 0.4 * unit, text = function(ask) return german[ask.prompt:sub(1, 8)] end },
}
