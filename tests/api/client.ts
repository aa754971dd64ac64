// What a program in TypeScript does with the types that openapi-typescript makes of the document.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["ProblemModel"];

const [address, token] = process.argv.slice(2);
const api = createClient<paths>({
  baseUrl: address,
  headers: { Authorization: `Bearer ${token}` },
});

const submitted = await api.POST("/api/v1/documents", {
  body: { text: "It was night.", title: "From TypeScript", narrate: { pages: "1-2", rate: 1.5 } },
});
if (submitted.data === undefined) {
  throw new Error(`not taken: ${submitted.error.detail}`);
}
const { document_id, narration_id, submitted_at } = submitted.data;
const found = await api.GET("/api/v1/documents/{document_id}", {
  params: { path: { document_id } },
});
const listed = await api.GET("/api/v1/documents", { params: { query: { limit: 1 } } });
const missing = await api.GET("/api/v1/documents/{document_id}", {
  params: { path: { document_id: "00000000-0000-4000-8000-000000000000" } },
});
const problem: Problem | undefined = missing.error;
console.log(
  JSON.stringify({
    title: found.data?.title,
    narrated: narration_id !== null,
    year: new Date(submitted_at).getUTCFullYear() > 2000,
    listed: listed.data?.items.length,
    problem: problem?.code,
  }),
);
