--- What models cost, in USD per million tokens: input, input from a cache, output. Prices
--- change: these were known on `date`, and `source` is the page to compare them with.
--- `above` has the prices of a request with more input tokens than that;
--- `dated` says that the name with a date at its end costs the same. To be edited:
--- `ai.price`.

local openai = "https://developers.openai.com/api/docs/pricing"
local anthropic = "https://platform.claude.com/docs/en/about-claude/pricing"
local gemini = "https://ai.google.dev/gemini-api/docs/pricing"

return {
  ["gpt-6-luna"] = { input = 0.10, cached = 0.01, output = 0.50, dated = true,
    above = { tokens = 272000, input = 0.20, cached = 0.02, output = 0.75 },
    date = "2026-09-22", source = openai },
  ["gpt-6-sol"] = { input = 2, cached = 0.20, output = 10, dated = true,
    above = { tokens = 272000, input = 4, cached = 0.40, output = 15 },
    date = "2026-09-22", source = openai },
  ["gpt-6.1-terra"] = { input = 1, cached = 0.05, output = 5, dated = true,
    above = { tokens = 272000, input = 2, cached = 0.10, output = 7.50 },
    date = "2026-10-26", source = openai },

  ["claude-haiku-5-5"] = { input = 0.10, cached = 0.01, output = 0.50, dated = true,
    above = { tokens = 100000, input = 0.50, cached = 0.05, output = 2.50 },
    date = "2026-10-24", source = anthropic },
  ["claude-sonnet-5-5"] = { input = 2, cached = 0.10, output = 10, dated = true,
    date = "2026-10-24", source = anthropic },
  ["claude-opus-5-5"] = { input = 4, cached = 0.20, output = 20, dated = true,
    date = "2026-10-10", source = anthropic },

  ["gemini-3.8-flash"] = { input = 0.75, output = 3.75,
    date = "2026-11-01", source = gemini },
}
