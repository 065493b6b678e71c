--- The models that are asked when a script names none, as of November 2026: of each
--- provider the one that its documents name for everyday work at a moderate price.
---
---     ai.openai { model = "gpt-6.1-sol" }                  -- another one
---     require("orch.ai.model").anthropic = "claude-opus-5-5"   -- for the whole run

return {
  openai = "gpt-6-luna",
  anthropic = "claude-sonnet-5-5",
  gemini = "gemini-3.8-flash",
}
