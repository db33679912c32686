// The questions of a page: what each asks, and whether its answer is shown.
return Array.from(document.querySelectorAll('details.question'), (question) => {
    const answer = Array.from(question.querySelectorAll(':scope > :not(summary)'));
    return {
        asked: question.querySelector(':scope > summary')?.textContent.trim().slice(0, 60) || '',
        answered: answer.some((part) => part.textContent.trim()),
        shown: answer.some((part) => part.checkVisibility({ visibilityProperty: true })),
    };
});
